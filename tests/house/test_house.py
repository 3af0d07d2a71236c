"""The house holds together: docs in step with the code, words, paths, laziness."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import iop_outcomes as iop
from iop_outcomes.measures.library import load_library
from iop_outcomes.vocabulary import DesignWord

ROOT = Path(__file__).parents[2]
BANNED = re.compile(
    r"success rate|\baddict(?:s|ed)?\b|\bdropouts?\b|drug abuse|\babusers?\b"
    r"|\bclean\b|\bdirty\b|\bfailed\b|\bproves\b|\bdue to\b",
    re.IGNORECASE,
)


def tracked(*suffixes: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.splitlines() if name.endswith(suffixes) and (ROOT / name).is_file()]


def test_every_public_word_is_there_and_documented() -> None:
    for word in iop.__all__:
        if word != "__version__":
            assert (getattr(iop, word).__doc__ or "").strip(), word


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import iop_outcomes, iop_outcomes.cli, sys;"
        "print(sorted({'pandas', 'numpy', 'matplotlib', 'scipy', 'duckdb'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_statsmodels_and_scipy_stats_wait_until_they_are_needed() -> None:
    code = (
        "import iop_outcomes.reports.quarterly, iop_outcomes.records.loading, sys;"
        "print([name for name in ('statsmodels', 'scipy.stats', 'matplotlib.pyplot') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_make_targets_in_the_docs_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for name in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"make ([a-z-]+)`", (ROOT / name).read_text()):
            assert target in targets, f"{name} speaks of make {target}"


def test_the_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text()
    done = subprocess.run(
        [sys.executable, "-m", "iop_outcomes.cli", "--help"], capture_output=True, text=True, check=True
    )
    commands = re.findall(r"^    ([a-z]+) ", done.stdout, re.MULTILINE)
    assert len(commands) >= 5
    for command in commands:
        assert f"iop-outcomes {command}" in readme


def test_ci_runs_the_test_command_of_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text().splitlines()
    commands = [line for line in script if line and not line.startswith(("#", "set "))]
    assert commands == ["make test"]
    assert "make test" in (ROOT / "README.md").read_text()


def test_version_is_said_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == iop.__version__
    assert f"version: {iop.__version__}" in (ROOT / "CITATION.cff").read_text()


def test_changelog_has_the_heading_for_numbers_that_change() -> None:
    assert "### Numbers that change" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("definition", load_library().values(), ids=lambda definition: definition.key)
def test_a_definition_says_all_it_must(definition: object) -> None:
    for name in ("title", "sentence", "numerator", "denominator", "unit", "clock", "window", "missing", "source"):
        assert str(getattr(definition, name)).strip(), name
    assert definition.design_word in DesignWord.codes()  # type: ignore[attr-defined]
    assert definition.direction in ("up", "down", "neutral")  # type: ignore[attr-defined]


def test_modules_have_one_subject() -> None:
    long = {
        str(path.relative_to(ROOT)): n
        for path in tracked(".py")
        if "src" in path.parts and (n := len(path.read_text().splitlines())) > 400
    }
    assert not long


def test_no_path_of_a_machine_and_no_banned_word_where_a_reader_looks() -> None:
    machine = re.compile(r"/(?:wor" r"k|roo" r"t|hom" r"e/\w+|tm" r"p/[a-z])\b/?")
    for path in tracked(".py", ".md", ".toml", ".html", ".ipynb", ".cff", ".j2", ".css"):
        text = path.read_text(encoding="utf-8")
        assert not machine.search(text), path
    for path in [
        *tracked(".html", ".md", ".ipynb"),
        *(ROOT / "src").rglob("*.toml"),
        *(ROOT / "src/iop_outcomes/reports").rglob("*.py"),
    ]:
        found = BANNED.search(path.read_text(encoding="utf-8"))
        allowed = path.name in ("CONTRIBUTING.md",)
        assert allowed or not found, f"{path}: {found.group(0) if found else ''}"


def test_the_wheel_holds_everything_the_package_reads(tmp_path: Path) -> None:
    """Templates, definitions and the truth travel with the wheel: the package must work from it alone."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = ROOT / "src"
    wanted = {
        path.relative_to(package).as_posix()
        for path in (package / "iop_outcomes").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted <= names, sorted(wanted - names)
