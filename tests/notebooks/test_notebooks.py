"""Every notebook runs from its source without a warning, shows what is committed, and shows nobody's rows.

Notebook 12 reads trial data that are not part of the project; its run is skipped where they are absent, nothing else is.
"""

from __future__ import annotations

import csv
import importlib.util
import re
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from nbformat import NotebookNode

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "notebooks"


def load_build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("notebooks_build", FOLDER / "build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build = load_build()
SOURCES: list[Path] = build.list_sources()
every_notebook = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)

#: How far a coordinate of a drawing may lie from the committed one, in points.
DRAWN = 0.02
MOST_BYTES = 1_500_000
IDS = re.compile(r"\b(person_id|episode_id|syn-[0-9a-z]*\d[0-9a-z]*)\b", re.IGNORECASE)
FRAME = re.compile(r"<table|class=\"dataframe|^\s*\d+\s+\S+\s+\S+.*\n\s*\d+\s+\S+\s+\S+", re.MULTILINE)
PLACE = re.compile(r"(?:^|[\s\"'(=])(?:/(?:[\w.-]+/)+[\w.-]+|[A-Za-z]:\\\w)", re.MULTILINE)
BANNED = re.compile(
    r"success rate|\baddict|\bdrop-?outs?\b|\babuser|drug abuse|\bclean\b|\bdirty\b|\bfailed\b|\bproves?\b|\bdue to\b|\bcaused\b",
    re.IGNORECASE,
)


def committed(source: Path) -> NotebookNode:
    return nbformat.read(source.with_suffix(".ipynb"), as_version=4)


def outputs(notebook: NotebookNode) -> Iterator[tuple[str, str, str]]:
    """Cell id, kind and text of everything shown."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                yield cell.id, output.name, output.text
            elif output.output_type == "error":
                yield cell.id, "error", output.evalue
            else:
                for kind, text in output.data.items():
                    yield cell.id, kind, text if isinstance(text, str) else "".join(text)


def rows_of_people(notebook: NotebookNode) -> list[str]:
    """Cells that show an id of a person or episode, or a printed frame: what a forgotten ``head()`` looks like."""
    words = [(cell, text) for cell, kind, text in outputs(notebook) if kind != "image/svg+xml"]
    return [
        cell
        for cell, text in words
        if IDS.search(text) or FRAME.search(text) or known_ids() & set(re.findall(r"[\w-]+", text))
    ]


@cache
def known_ids() -> set[str]:
    with open(ROOT / "data" / "sample" / "episodes.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert rows
    return {row[name] for row in rows for name in ("person_id", "episode_id")}


def same_drawing(one: str, other: str) -> bool:
    """Whether two SVG texts say the same, coordinates within ``DRAWN``; ids made of coordinates may differ."""
    number, identity = re.compile(r"-?\d+\.\d+"), re.compile(r"\b[mpCDh][0-9a-f]{8,12}\b|\bh[0-9a-f]{10}\b")
    one, other = identity.sub("id", one), identity.sub("id", other)
    if number.sub("#", one) != number.sub("#", other):
        return False
    pairs = zip(number.findall(one), number.findall(other), strict=True)
    return all(abs(float(left) - float(right)) <= DRAWN for left, right in pairs)


def test_there_are_notebooks() -> None:
    assert [source.name[:2] for source in SOURCES] == ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"]


@every_notebook
def test_it_runs_without_warnings_and_shows_what_is_committed(source: Path) -> None:
    if not build.has_data(source):
        pytest.skip("the trial's data are not here")
    fresh = build.execute(source)
    build.write_text(fresh)  # refuses a path of this machine
    shown, kept = list(outputs(fresh)), list(outputs(committed(source)))
    assert [(cell, kind) for cell, kind, _ in shown] == [(cell, kind) for cell, kind, _ in kept], "run `make notebooks`"
    for (cell, kind, now), (_, _, then) in zip(shown, kept, strict=True):
        same = same_drawing(now, then) if kind == "image/svg+xml" else now == then
        assert same, f"{cell} shows another {kind}: run `make notebooks`"


@every_notebook
def test_the_committed_notebook_is_made_from_its_source(source: Path) -> None:
    made, kept = build.read_source(source), committed(source)
    assert [(cell.id, cell.cell_type, cell.source) for cell in made.cells] == [
        (cell.id, cell.cell_type, cell.source) for cell in kept.cells
    ]


@every_notebook
def test_it_says_nothing_of_when_and_where_it_ran(source: Path) -> None:
    notebook = committed(source)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata["language_info"] == {"name": "python"}
    assert all(not cell.metadata for cell in notebook.cells)
    text = source.with_suffix(".ipynb").read_text(encoding="utf-8")
    assert len(text.encode()) < MOST_BYTES
    for place in (ROOT, Path.home(), Path(sys.prefix)):
        assert not re.search(rf"{re.escape(str(place))}(?![\w-])", text)
    for cell, kind, shown in outputs(notebook):
        assert kind == "image/svg+xml" or not PLACE.search(shown), cell


@every_notebook
def test_it_shows_no_rows_of_people(source: Path) -> None:
    assert rows_of_people(committed(source)) == []


@pytest.mark.parametrize(
    "shown",
    [
        "   person_id  exit_day\n0  a81  12\n1  a17  30",
        "   gender  exit_day\n0  female  12\n1  male  30",
        '<table border="1" class="dataframe"><tr><td>female</td></tr></table>',
        "the first one is {known}",
    ],
)
def test_a_planted_head_is_found(shown: str) -> None:
    text = shown.format(known=sorted(known_ids())[0])
    output = nbformat.v4.new_output("execute_result", data={"text/plain": text})
    cell = nbformat.v4.new_code_cell("frame.head()", outputs=[output])
    cell.id = "planted"
    assert rows_of_people(nbformat.v4.new_notebook(cells=[cell])) == ["planted"]


@every_notebook
def test_its_words_are_fit_to_print(source: Path) -> None:
    for cell in committed(source).cells:
        found = BANNED.search(cell.source)
        assert not found, f"{cell.id}: {found.group(0) if found else ''}"
    for cell_id, kind, text in outputs(committed(source)):
        assert kind == "image/svg+xml" or not BANNED.search(text), cell_id


@every_notebook
def test_every_figure_comes_with_words_and_synthetic_records_are_called_so(source: Path) -> None:
    outputs_of_cells = [cell.get("outputs", []) for cell in committed(source).cells]
    figures = [output for shown in outputs_of_cells for output in shown if "image/svg+xml" in output.get("data", {})]
    assert figures
    for figure in figures:
        assert len(figure.data["text/plain"]) > 40
    captions = [
        after.data["text/markdown"]
        for shown in outputs_of_cells
        for figure, after in pairwise(shown)
        if "image/svg+xml" in figure.get("data", {})
    ]
    assert captions
    for caption in captions:
        assert ("synthetic records" in caption) == (source.stem not in build.NEEDS), caption


def test_real_people_are_shown_in_the_public_view_only() -> None:
    for name in build.NEEDS:
        text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
        assert "publish(" in text
        assert "internal" not in text
        kept = "\n".join(shown for _, _, shown in outputs(committed(FOLDER / f"{name}.py")))
        assert "not for release" not in kept
        assert "public view" in kept


def test_the_landing_page_leads_to_every_notebook() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\]\((\d\d_\w+\.ipynb)\)", page)) == {f"{source.stem}.ipynb" for source in SOURCES}
