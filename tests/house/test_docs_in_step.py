"""The documentation keeps step: pages made from the code, links, pictures, and every example runs."""

from __future__ import annotations

import ast
import doctest
import importlib.util
import inspect
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

import iop_outcomes as iop
from iop_outcomes.cli import _parser

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MOST_BYTES = 80_000
FENCE = re.compile(r"^```([\w{}-]*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"")


def load(path: Path) -> ModuleType:
    """A script of a folder that is no package."""
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES: dict[str, str] = load(DOCS / "pages.py").write_pages()
PICTURES = load(DOCS / "pictures.py")
NOTEBOOKS = load(ROOT / "notebooks" / "build.py")
PROSE = load(ROOT / "tests" / "spec" / "prose.py")
WRITTEN = sorted(
    path
    for path in [*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "notebooks" / "README.md"]
    if "_build" not in path.parts
)
name_of = {"ids": lambda path: path.relative_to(ROOT).as_posix()}

#: The school grade at which the pages for readers can be read, as the report.
MOST_GRADE = 8
#: Pages whose examples need a cluster, or tables that are not here.
CLUSTER = ("spark.md",)


def blocks(path: Path, *kinds: str) -> Iterator[str]:
    """The fenced blocks of these kinds."""
    for kind, text in FENCE.findall(path.read_text(encoding="utf-8")):
        if kind in kinds:
            yield text


EXAMPLES = [path for path in WRITTEN if any(blocks(path, "python"))]


def test_pages_made_from_the_code_are_in_step() -> None:
    for name, text in PAGES.items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, f"{name}: make docs"
    stale = {
        path.relative_to(DOCS).as_posix() for folder in ("api", "definitions") for path in (DOCS / folder).rglob("*")
    }
    assert {name for name in stale if name.endswith(".md")} <= PAGES.keys(), "make docs"


@pytest.mark.parametrize("path", WRITTEN, **name_of)
def test_links_arrive(path: Path) -> None:
    """Files; anchors within the site are the generator's business, which takes a wrong one for an error."""
    for found in LINK.findall(path.read_text(encoding="utf-8")):
        target = (found[0] or found[1]).partition("#")[0]
        if target and not re.match(r"https?:|mailto:", target):
            assert (path.parent / target).exists(), target


#: Pages of methods whose sources the code cites; what may be told of people rests on rules, which no docstring cites.
SOURCED = [path for path in sorted((DOCS / "methods").glob("*.md")) if path.stem != "disclosure"]


@cache
def read_code() -> str:
    """The code of the package with its docstrings and its library, in one line."""
    found = sorted(path for path in (ROOT / "src").rglob("*") if path.suffix in {".py", ".toml"})
    return re.sub(r"\s+", " ", " ".join(path.read_text(encoding="utf-8") for path in found))


@pytest.mark.parametrize("path", SOURCED, **name_of)
def test_sources_are_those_the_code_rests_on(path: Path) -> None:
    """Each is cited in the code by its first author and year, and every DOI as the code has it."""
    sources = re.findall(r"^- (.+)$", path.read_text(encoding="utf-8").partition("## Sources\n")[2], re.MULTILINE)
    assert sources
    for source in sources:
        author, year = re.match(r"((?:van )?[\w'’]+).*?\((\d{4})\)\. ", source).groups()  # type: ignore[union-attr]
        assert re.search(rf"\b{author}\b[^;]{{0,90}}?\b{year}\b", read_code()), source
        if doi := re.search(r"\[doi:(\S+)\]", source):
            assert f"doi:{doi.group(1)}" in read_code(), source


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the sample, and the export of mapping.md, as a reader of the pages would have them."""
    shutil.copytree(ROOT / "data" / "sample", tmp_path / "data" / "sample")
    (tmp_path / "export").mkdir()
    mapping = DOCS / "mapping.md"
    for name, text in zip(("clients", "stays", "week"), blocks(mapping, "csv"), strict=True):
        (tmp_path / "export" / f"{name}.csv").write_text(text, encoding="utf-8")
    (tmp_path / "our-system.toml").write_text(next(blocks(mapping, "toml")), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", CLUSTER)
def test_examples_that_need_a_cluster_call_what_there_is(page: str) -> None:
    """They are not run here; the engine tests run the same calls on Spark."""
    for text in blocks(DOCS / page, "python"):
        calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
        ours = [(node, words[1]) for node in calls if (words := ast.unparse(node.func).split("."))[0] == "iop"]
        assert ours
        for node, word in ours:
            known = inspect.signature(getattr(iop, word)).parameters
            assert {keyword.arg for keyword in node.keywords} <= known.keys(), ast.unparse(node)


@pytest.mark.parametrize("path", [path for path in EXAMPLES if path.name not in CLUSTER], **name_of)
def test_examples_run(path: Path, folder: Path) -> None:
    """All blocks of a page in one session, as they follow each other; what is shown is compared, the rest is run."""
    session: dict[str, object] = {}
    runner = doctest.DocTestRunner(verbose=False)
    for text in blocks(path, "python"):
        if ">>>" in text:
            examples = doctest.DocTestParser().get_doctest(text, session, path.name, str(path), 0)
            report: list[str] = []
            runner.run(examples, out=report.append, clear_globs=False)
            session.update(examples.globs)
            assert not report, "".join(report)
        else:
            exec(compile(text, path.name, "exec"), session)


@pytest.mark.parametrize("page", ["index.md", "directors.md", "analysts.md", "grant-writers.md", "release.md"])
def test_pages_for_readers_are_read_with_ease(page: str) -> None:
    text = FENCE.sub("", (DOCS / page).read_text(encoding="utf-8"))
    prose = [re.sub(r"^: ", "", line) for line in text.splitlines() if not line.startswith(("|", "#", ":::"))]
    words = re.sub(r"\[([^]]*)\]\([^)]*\)|[`*]", r"\1", "\n".join(prose))
    assert PROSE.grade_text(words) <= MOST_GRADE


@pytest.mark.parametrize("path", WRITTEN, **name_of)
def test_commands_and_settings_are_understood(path: Path) -> None:
    for text in blocks(path, "console", ""):
        for command in re.findall(r"^(?:\$ )?(?:\S+/)?iop-outcomes (.+?)(?: +#.*)?$", text, re.MULTILINE):
            _parser().parse_args(shlex.split(command))
    for text in blocks(path, "toml"):
        tomllib.loads(text)


def test_every_notebook_has_its_title_its_picture_and_its_sentence() -> None:
    shown = (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")
    for source in NOTEBOOKS.list_sources():
        number, _, title = NOTEBOOKS.name_notebook(source).partition(" · ")
        place = f"**{number} · [{title}]({source.stem}.ipynb)**"
        (row,) = [line for line in shown.splitlines() if line.startswith("|") and place in line]
        assert f"## {number} · {title}\n" in PAGES["notebooks.md"]
        assert f'"../docs/images/notebook-{source.stem[:2]}.png"' in row
        assert re.search(r"\*\*: \w.+\? \|$", row), source.stem


@pytest.mark.parametrize("name", PICTURES.list_pictures())
def test_a_picture_is_the_figure_of_the_notebook(name: str) -> None:
    notebook, place = PICTURES.list_pictures()[name]
    target = PICTURES.IMAGES / f"{name}.png"
    drawn = PICTURES.draw_picture(PICTURES.find_figures(notebook)[place][0])
    now, then = (np.asarray(Image.open(source).convert("RGB"), float) for source in (BytesIO(drawn), target))
    assert now.shape == then.shape, "make pictures"
    assert np.abs(now - then).mean() < 1, "make pictures"


def test_pictures_are_small_and_shown() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in WRITTEN)
    for path in sorted((DOCS / "images").iterdir()):
        assert path.stat().st_size < MOST_BYTES, path.name
        assert path.name in text, f"{path.name} is shown nowhere"
