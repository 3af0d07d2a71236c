"""A number nobody released, put wherever a file can hold one, is found; a file that shows released rows only is passed."""

from __future__ import annotations

import base64
import csv
import io
import json
import math
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from handmade import made_document
from openpyxl.comments import Comment

from iop_outcomes.errors import UsageError
from iop_outcomes.publication.document import Document
from iop_outcomes.publication.export import write_csv
from iop_outcomes.publication.figures.style import new_figure, styled, to_svg
from iop_outcomes.publication.gate import publish
from iop_outcomes.publication.html import render_html, write_html
from iop_outcomes.publication.published import Published
from iop_outcomes.publication.residue import Residue, scan_file, scan_folder
from iop_outcomes.publication.residue.allow import Allowance
from iop_outcomes.publication.residue.printed import read_numbers
from iop_outcomes.records.loading import read_records
from iop_outcomes.records.synthetic import simulate_records
from iop_outcomes.reports.contents import choose_level, gather_contents
from iop_outcomes.reports.period import Quarter
from iop_outcomes.reports.quarterly import build_quarterly

PLANTED = "4,713"


@pytest.fixture(scope="module")
def document() -> Document:
    return made_document()


@pytest.fixture(scope="module")
def published(document: Document) -> Published:
    """The whole release the document draws on."""
    return max(document.sources, key=len)


@pytest.fixture(scope="module")
def page(document: Document) -> str:
    return render_html(document)


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def one(found: tuple[Residue, ...]) -> Residue:
    """The one residue, and that it is the planted number."""
    (residue,) = found
    assert residue.number == 4713
    return residue


def picture(kind: bytes = b"tEXt", held: bytes = b"Title\0" + PLANTED.encode()) -> bytes:
    def chunk(kind: bytes, held: bytes) -> bytes:
        return struct.pack(">I", len(held)) + kind + held + struct.pack(">I", zlib.crc32(kind + held))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (kind, held), (b"IDAT", zlib.compress(b"\0\0")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts if part[0])


def drawn(words: str) -> str:
    with styled():
        figure = new_figure(1)
        figure.text(0.1, 0.5, words)
        return to_svg(figure, "planted")


# Pages -----------------------------------------------------------------------------------------------------------------


def test_a_page_of_released_rows_has_no_residue(
    tmp_path: Path, page: str, published: Published, document: Document
) -> None:
    path = written(tmp_path, "report.html", page)
    assert scan_file(path, published) == ()
    assert scan_file(path, published, document=document) == ()


IN_A_PAGE: dict[str, tuple[str, str]] = {
    "visible text": (f"<p>We saw {PLANTED} people.</p>", ""),
    "text split by markup": ("<p>We saw <b>4</b>,7<i>13</i> people.</p>", ""),
    "other digits": ("<p>We saw ４７１３ people.</p>", ""),
    "invisible signs": ("<p>We saw 47&#8203;13 people.</p>", ""),
    "hidden text": (f'<p style="display:none">{PLANTED}</p>', ""),
    "words for a screen reader": (f'<div role="img" aria-label="{PLANTED} people"></div>', "aria-label"),
    "alternative text": (f'<img alt="{PLANTED} people" src="data:,">', "alt"),
    "a tooltip": (f'<span title="{PLANTED}">many</span>', "title"),
    "data of a mark": (f'<i data-n="{PLANTED}">many</i>', "data-n"),
    "an anchor": ('<p id="people-4713">many</p>', "id"),
    "a property of the page": (f'<meta name="description" content="{PLANTED} people">', "content"),
    "a comment": (f"<!-- n = {PLANTED} -->", "comment"),
    "a script": ('<script type="application/json">{"n": 4713}</script>', "script"),
    "a style sheet": (f'<style>p::after{{content:"{PLANTED}"}}</style>', "style"),
    "a style attribute": ('<p style="--people: 4713">many</p>', "style"),
    "text of a drawing": (f"<svg><text>{PLANTED}</text></svg>", "text"),
    "text of a drawing in parts": ("<svg><text>47<tspan>13</tspan></text></svg>", "text"),
    "title of a drawing": (f"<svg><g><title>{PLANTED} people</title></g></svg>", "title"),
    "description of a drawing": (f"<svg><desc>{PLANTED} people</desc></svg>", "desc"),
    "metadata of a drawing": (f"<svg><metadata><x>{PLANTED}</x></metadata></svg>", "metadata"),
    "letters drawn as shapes": (drawn("4713 people"), "drawn text"),
    "a picture's metadata": (
        f'<img alt="" src="data:image/png;base64,{base64.b64encode(picture()).decode()}">',
        "metadata",
    ),
    "a picture inside a style": (
        f"<style>p{{background:url(data:image/svg+xml;utf8,<svg><text>{PLANTED.replace(',', '')}</text></svg>)}}</style>",
        "text",
    ),
}


@pytest.mark.parametrize("kind", IN_A_PAGE)
def test_a_number_put_into_a_page_is_found(tmp_path: Path, page: str, published: Published, kind: str) -> None:
    markup, place = IN_A_PAGE[kind]
    path = written(tmp_path, "report.html", page.replace("</main>", f"{markup}</main>"))
    residue = one(scan_file(path, published))
    assert residue.path == "report.html"
    assert place in residue.place


def test_the_place_of_a_number_is_readable(tmp_path: Path, page: str, published: Published) -> None:
    start = page.index('<tbody>\n<tr><th scope="row">', page.index("Retained by schedule"))
    end = page.index("</td>", start)
    path = written(tmp_path, "report.html", f"{page[:end]} and {PLANTED}{page[end:]}")
    (residue,) = scan_file(path, published)
    assert residue.place == "a3, table, row 1, column 2"
    assert PLANTED in residue.text
    assert len(residue.text) < 15


def test_with_the_document_a_block_is_held_to_its_own_rows(
    tmp_path: Path, page: str, published: Published, document: Document
) -> None:
    start = page.index('aria-label="', page.index('<figure id="fig-xmr">')) + len('aria-label="')
    other = f"{published.value(definition='retained@1', by='all', at=7.0):.0%}"  # released, but not shown here
    path = written(tmp_path, "report.html", f"{page[:start]}{other} stayed. {page[start:]}")
    assert scan_file(path, published) == ()
    (residue,) = scan_file(path, published, document=document)
    assert (residue.place, residue.text) == ("figures, figure fig-xmr, aria-label", other)


def test_an_axis_may_carry_a_grid_and_nothing_else(tmp_path: Path, published: Published) -> None:
    def axis(*labels: str) -> str:
        ticks = "".join(f'<g id="x-xtick_{n}"><text>{label}</text></g>' for n, label in enumerate(labels, start=1))
        return f'<svg xmlns="http://www.w3.org/2000/svg"><g id="x-matplotlib.axis_1">{ticks}</g></svg>'

    def found(*labels: str) -> list[str]:
        return [residue.text for residue in scan_file(written(tmp_path, "a.svg", axis(*labels)), published)]

    assert found("0", "2,000", "4,000", "6,000") == []
    assert found("0", "2,000", "4,713", "6,000") == ["2,000", "4,713", "6,000"]
    assert found("4,713", "9,426", "14,139") == ["4,713", "9,426", "14,139"]
    assert found("-20 points", "-10 points", "0 points", "10 points") == []
    assert found("-20 people", "-10 people", "0 people", "10 people") != []
    assert found("4,710", "4,713", "4,715", "4,718") == []  # every 2.5, printed in whole numbers
    assert found("4,710", "4,714", "4,715", "4,718") != []
    assert "4,713" in found("60%", "63%", "65%", "of 4,713")


def test_weeks_on_an_axis_say_no_more_than_the_day_they_start_on(tmp_path: Path, published: Published) -> None:
    def found(start: int) -> list[str]:
        labels = (f'<g id="x-xtick_{week}"><text>{start + 7 * week}</text></g>' for week in range(5))
        axis = f'<svg><g id="x-matplotlib.axis_1">{"".join(labels)}</g></svg>'
        return [residue.text for residue in scan_file(written(tmp_path, "a.svg", axis), published)]

    assert found(30) == []  # a day with a released row
    assert found(4713) == ["4713"]


def test_what_the_last_day_s_bands_leave_may_be_said(tmp_path: Path, published: Published) -> None:
    bands = published.where(definition="ending@1", by="all", status="ok")
    shown = {str(row["category"]): row["value"] for row in bands.rows() if row["at"] == bands.frame["at"].max()}
    own = Allowance([bands])
    rest = f"{1 - sum(shown.values()):.0%}"
    assert own.explains(next(read_numbers(rest)), rest)


def test_a_reach_to_both_sides_is_words_of_the_package(tmp_path: Path, published: Published) -> None:
    path = written(tmp_path, "a.txt", "Client-week, residential, ±25%: lower\nClient-week, ±4713%\n")
    assert one(scan_file(path, published)).place == "line 2"


def test_a_fixed_number_of_the_code_stands_where_the_code_puts_it(tmp_path: Path, published: Published) -> None:
    words = "lie {} standard deviations or more apart"
    path = written(tmp_path, "a.txt", f"{words.format('0.1')}\n{words.format('4713')}\n")
    assert one(scan_file(path, published)).place == "line 2"


def test_dollars_and_percents_are_no_pair() -> None:
    found = read_numbers("over 99% at $0 and 3% at $50,000, $5 to $7")
    assert [each.text for each in found] == ["99%", "$0", "3%", "$50,000", "$5 to $7"]


def test_a_day_nobody_released_is_found(tmp_path: Path, published: Published) -> None:
    path = written(tmp_path, "a.txt", "as of 2025-12-31\nadmitted 2025-03-04\n")
    assert [(residue.place, residue.text) for residue in scan_file(path, published)] == [("line 2", "2025-03-04")]


def test_fixed_words_account_for_a_number_only_where_they_stand(tmp_path: Path, published: Published) -> None:
    path = written(tmp_path, "a.txt", "see the handbook of 4713 rules\nand 4713 people\n")
    (residue,) = scan_file(path, published, vocabulary=["the handbook of 4713 rules"])
    assert residue.place == "line 2"
    assert len(scan_file(path, published)) == 2


def test_parts_that_are_released_do_not_make_a_pair_that_is(tmp_path: Path, published: Published) -> None:
    shown = published.frame.query("definition == 'retained@1' and status == 'ok' and by == 'all'")
    n, other = (f"{row.n:.0f}" for row in list(shown.itertuples())[:2])
    base = f"{shown['denominator'].iloc[0]:.0f}"
    path = written(tmp_path, "a.txt", f"{n} of {base}\n{other} of {n}\n")
    assert [residue.text for residue in scan_file(path, published)] == [f"{other} of {n}"]


# Reports of other programmes -------------------------------------------------------------------------------------------


def scan_report(folder: Path, people: int, seed: int, quarter: str, policy: str, without: tuple[str, ...]) -> None:
    """The public report of a synthetic programme, which may hold no other number than its released ones."""
    source = {name: held for name, held in simulate_records(people, seed).source.items() if name not in without}
    records = read_records(source)
    contents = gather_contents(records, quarter=Quarter.parse(quarter), level=choose_level(records, None))
    published = publish(*contents.bundle("public"), policy=policy)
    document = build_quarterly(records, contents, published)
    page = write_html(document, folder / "report.html")
    assert [(each.place, each.text) for each in scan_file(page, published, document=document)] == []
    assert scan_file(write_csv(published, folder / "report.csv"), published) == ()


@pytest.mark.parametrize(
    ("people", "seed", "quarter", "policy"), [(80, 7, "2025Q4", "round5"), (150, 4, "2025Q2", "cms")]
)
def test_the_report_of_a_small_programme_shows_released_numbers_only(
    tmp_path: Path, people: int, seed: int, quarter: str, policy: str
) -> None:
    scan_report(tmp_path, people, seed, quarter, policy, ("outcomes", "costs"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("people", "seed", "quarter", "policy", "without"),
    [
        (80, 7, "2025Q4", "round5", ()),
        (150, 4, "2025Q2", "cms", ()),
        (300, 9, "2025Q3", "midpoint6", ()),
        (400, 11, "2025Q3", "strict", ()),
        (500, 5, "2025Q4", "round5", ()),
        (600, 1, "2025Q2", "opensafely", ()),
        (600, 2, "2025Q3", "cms", ("outcomes",)),
        (900, 3, "2025Q3", "cms", ()),
        (1200, 10, "2025Q4", "opensafely", ()),
        (1500, 6, "2025Q1", "strict", ()),
        (2000, 8, "2024Q4", "midpoint6", ()),
    ],
)
def test_reports_of_many_programmes_show_released_numbers_only(
    tmp_path: Path, people: int, seed: int, quarter: str, policy: str, without: tuple[str, ...]
) -> None:
    scan_report(tmp_path, people, seed, quarter, policy, without)


# Tables and values -----------------------------------------------------------------------------------------------------


def test_an_export_is_held_to_the_released_rows_cell_by_cell(tmp_path: Path, published: Published) -> None:
    path = write_csv(published, tmp_path / "rows.csv")
    assert scan_file(path, published) == ()
    lines = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    value, n, status = (lines[0].index(name) for name in ("value", "n", "status"))
    shown = next(place for place, line in enumerate(lines) if line[status] == "ok" and line[value] and line[n])
    hidden = next(place for place, line in enumerate(lines) if line[status] == "withheld")
    lines[hidden][n] = lines[shown][n]  # a released number, but not of this row
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    (residue,) = scan_file(written(tmp_path, "rows.csv", text.getvalue()), published)
    assert residue.place == f"row {hidden + 1}, n"


def test_a_column_nobody_released_is_found(tmp_path: Path, published: Published) -> None:
    path = write_csv(published, tmp_path / "rows.csv")
    first, second, *rest = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([f"{first},staff", f"{second},4713", *(f"{line}," for line in rest)]), encoding="utf-8")
    assert one(scan_file(path, published)).place == "row 2, staff"


def test_a_number_in_json_is_found(tmp_path: Path, published: Published) -> None:
    content = {
        "release_id": published.release_id,
        "withheld": published.audit.withheld,
        "rules": [{"small_cells": 4713}],
    }
    residue = one(scan_file(written(tmp_path, "release.manifest.json", json.dumps(content)), published))
    assert residue.place == "rules, 1, small_cells"
    assert len(scan_file(written(tmp_path, "a.json", '{"4713": "people"}'), published)) == 1


def workbook(change: Callable[[openpyxl.Workbook], object] | None = None) -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["Group", "People"])
    book.active.append(["everyone", 600])
    if change:
        change(book)
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def rezipped(content: bytes, change: Callable[[str, bytes], bytes], **more: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(held, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
        for name, part in more.items():
            new.writestr(name, part)
    return held.getvalue()


def hide(book: openpyxl.Workbook) -> None:
    sheet = book.create_sheet("Notes")
    sheet.sheet_state = "hidden"
    sheet["B7"] = 4713


IN_A_WORKBOOK: dict[str, tuple[Callable[[openpyxl.Workbook], object], str]] = {
    "a cell": (lambda book: book.active.__setitem__("C3", 4713), "Sheet!C3"),
    "a text": (lambda book: book.active.__setitem__("C3", f"{PLANTED} people"), "Sheet!C3"),
    "a hidden sheet": (hide, "Notes (hidden)!B7"),
    "a formula": (lambda book: book.active.__setitem__("C3", "=B2+4713"), "Sheet!C3, formula"),
    "a comment": (lambda book: setattr(book.active["A1"], "comment", Comment(f"n {PLANTED}", "me")), "comment"),
    "a property": (lambda book: setattr(book.properties, "title", f"{PLANTED} people"), "docProps/core.xml"),
    "a sheet's name": (lambda book: setattr(book.active, "title", "People 4713"), "workbook"),
    "a name": (
        lambda book: book.defined_names.add(openpyxl.workbook.defined_name.DefinedName("people", attr_text="4713")),
        "workbook",
    ),
    "a page's header": (lambda book: setattr(book.active.oddHeader.center, "text", "n 4713"), "Sheet"),
}


@pytest.mark.parametrize("kind", IN_A_WORKBOOK)
def test_a_number_put_into_a_workbook_is_found(tmp_path: Path, published: Published, kind: str) -> None:
    change, place = IN_A_WORKBOOK[kind]
    residues = scan_file(written(tmp_path, "rows.xlsx", workbook(change)), published)
    assert residues
    assert all(residue.number == 4713 for residue in residues)
    assert any(place in residue.place for residue in residues)


def test_a_workbook_of_released_numbers_has_no_residue(tmp_path: Path, published: Published) -> None:
    assert scan_file(written(tmp_path, "rows.xlsx", workbook()), published) == ()


def test_the_value_a_formula_remembers_is_found(tmp_path: Path, published: Published) -> None:
    content = workbook(lambda book: book.active.__setitem__("C3", "=B2"))
    content = rezipped(content, lambda name, part: part.replace(b"<f>B2</f><v></v>", b"<f>B2</f><v>4713</v>"))
    content = rezipped(content, lambda name, part: part.replace(b"<f>B2</f><v />", b"<f>B2</f><v>4713</v>"))
    assert one(scan_file(written(tmp_path, "rows.xlsx", content), published)).place == "Sheet!C3"


def test_a_text_no_cell_shows_and_a_chart_s_own_copy_are_found(tmp_path: Path, published: Published) -> None:
    def point(name: str, part: bytes) -> bytes:
        return part.replace(b"</sheetData>", b'<row r="9"><c r="A9" t="s"><v>0</v></c></row></sheetData>')

    for number, place in ((0, "Sheet!A9"), (1, "text no cell shows")):
        texts = [b"<si><t>words</t></si>"] * 2
        texts[number] = b"<si><r><t>n 47</t></r><r><t>13</t></r></si>"
        shared = b"<sst>" + b"".join(texts) + b"</sst>"
        content = rezipped(workbook(), point, **{"xl/sharedStrings.xml": shared})
        assert one(scan_file(written(tmp_path, "a.xlsx", content), published)).place == place
    chart = b'<c:c xmlns:c="c"><c:f>Sheet!$B$2</c:f><c:pt><c:v>4713</c:v></c:pt></c:c>'
    content = rezipped(workbook(), lambda name, part: part, **{"xl/charts/chart1.xml": chart})
    assert "chart1.xml" in one(scan_file(written(tmp_path, "b.xlsx", content), published)).place


WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:p="p"'
IN_WORDS: dict[str, tuple[str, str]] = {
    "a paragraph": ("word/document.xml", "<w:r><w:t>47</w:t></w:r><w:r><w:t>13 people</w:t></w:r>"),
    "a deleted text": ("word/document.xml", "<w:del><w:r><w:delText>4713</w:delText></w:r></w:del>"),
    "a field": ("word/document.xml", "<w:r><w:instrText>SET n 4713</w:instrText></w:r>"),
    "alternative text": ("word/document.xml", '<p:docPr name="Figure 1" descr="4713 people"/>'),
    "a header": ("word/header1.xml", "<w:r><w:t>4713</w:t></w:r>"),
    "a footnote": ("word/footnotes.xml", "<w:r><w:t>4713</w:t></w:r>"),
    "a comment": ("word/comments.xml", "<w:r><w:t>4713</w:t></w:r>"),
    "a property": ("docProps/core.xml", "<w:title>4713</w:title>"),
}


def word_file(name: str = "", inner: str = "") -> bytes:
    held = io.BytesIO()
    parts = {"word/document.xml": "<w:r><w:t>600 people</w:t></w:r>", "word/styles.xml": ""}
    parts.setdefault(name, "")
    with zipfile.ZipFile(held, "w") as archive:
        for part, text in parts.items():
            more = inner if part == name else ""
            if part:
                archive.writestr(part, f"<w:x {WORD}><w:p>{text}</w:p><w:p>{more}</w:p></w:x>")
    return held.getvalue()


@pytest.mark.parametrize("kind", IN_WORDS)
def test_a_number_put_into_a_word_file_is_found(tmp_path: Path, published: Published, kind: str) -> None:
    name, inner = IN_WORDS[kind]
    residue = one(scan_file(written(tmp_path, "report.docx", word_file(name, inner)), published))
    assert Path(name).stem in residue.place


def test_a_word_file_of_released_numbers_has_no_residue(tmp_path: Path, published: Published) -> None:
    assert scan_file(written(tmp_path, "report.docx", word_file()), published) == ()


def test_a_workbook_inside_a_word_file_is_read(tmp_path: Path, published: Published) -> None:
    inner = {"word/embeddings/rows.xlsx": workbook(hide)}
    content = rezipped(word_file(), lambda name, part: part, **inner)
    residue = one(scan_file(written(tmp_path, "report.docx", content), published))
    assert residue.place == "word/embeddings/rows.xlsx, Notes (hidden)!B7"


# Pictures, PDFs and what cannot be read --------------------------------------------------------------------------------


def test_words_in_a_picture_s_metadata_are_found(tmp_path: Path, published: Published) -> None:
    texts = {
        b"tEXt": b"Title\0n 4713",
        b"zTXt": b"Title\0\0" + zlib.compress(b"n 4713"),
        b"iTXt": b"Title\0\1\0en\0\0" + zlib.compress(b"n 4713"),
        b"eXIf": b"II*\0 n 4713 \0",
    }
    for kind, held in texts.items():
        assert "metadata" in one(scan_file(written(tmp_path, "a.png", picture(kind, held)), published)).place
    jpeg = b"\xff\xd8\xff\xfe\x00\x0an = 4713\xff\xda\x00\x02..\xff\xd9"
    one(scan_file(written(tmp_path, "a.jpg", jpeg), published))


def test_a_picture_without_words_has_no_residue(tmp_path: Path, published: Published) -> None:
    with styled():
        figure = new_figure(1)
        figure.savefig(tmp_path / "a.png")
    assert scan_file(tmp_path / "a.png", published) == ()
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes() + b"4713")
    assert len(scan_file(tmp_path / "a.png", published)) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.parquet", b"PAR1"),
        ("a", b"nothing"),
        ("a.zip", b"PK\x03\x04"),
        ("a.xlsx", b"PK\x03\x04 damaged"),
        ("a.html", b"\xff\xfe\x00"),
        ("a.json", b"{"),
        ("a.ipynb", b"[]"),
        ("a.pdf", b"%PDF-1.7 damaged"),
        ("a.png", picture(b"heXa", b"4713")),
        ("a.svg", b'<svg><use href="#glyph-0-3"/></svg>'),
        ("a.svg", b'<svg><image href="data:application/x;base64,AAAA"/></svg>'),
    ],
)
def test_what_cannot_be_read_is_not_passed(tmp_path: Path, published: Published, name: str, content: bytes) -> None:
    (residue,) = scan_file(written(tmp_path, name, content), published)
    assert residue.text.startswith("not read: ")
    assert math.isnan(residue.number)


def test_a_pdf_that_cannot_be_read_is_not_passed(tmp_path: Path, published: Published) -> None:
    (residue,) = scan_file(written(tmp_path, "a.pdf", b"%PDF-1.7"), published)
    assert residue.text == "not read: a damaged or locked PDF"


def test_a_folder_is_read_whole_and_may_name_its_own_files(tmp_path: Path, page: str, published: Published) -> None:
    report = written(tmp_path, "report.html", page)
    written(tmp_path, "manifest.json", json.dumps({"files": [{"name": "report.html", "size": report.stat().st_size}]}))
    assert scan_folder(tmp_path, published) == ()
    (tmp_path / "figures").mkdir()
    written(tmp_path, "figures/one.svg", f"<svg><title>{PLANTED}</title></svg>")
    assert one(scan_folder(tmp_path, published)).path == "figures/one.svg"


def test_a_scan_asks_for_what_was_released(tmp_path: Path, published: Published) -> None:
    for scan in (scan_file, scan_folder):
        with pytest.raises(UsageError, match="give the published rows"):
            scan(tmp_path)
    with pytest.raises(UsageError, match="cannot be read"):
        scan_file(tmp_path / "missing.html", published)


# Notebooks -------------------------------------------------------------------------------------------------------------

HEAD = "  episode_id   admitted  planned_days\n0   syn-e4713 2025-03-04            56"


def notebook(*outputs: dict, source: str = "table(rows, down='group', value=600)", **more: object) -> str:
    code = {"cell_type": "code", "source": source, "outputs": list(outputs), "execution_count": 1, "metadata": {}}
    words = {"cell_type": "markdown", "source": ["Everyone is counted.\n"], "metadata": {}}
    about = {"kernelspec": {"name": "python3"}, **dict(more.get("metadata", ()))}  # type: ignore[call-overload]
    return json.dumps({"cells": [words, {**code, **more.get("cell", {})}], "metadata": about, "nbformat": 4})  # type: ignore[dict-item]


def display(kind: str, held: object) -> dict:
    return {"output_type": "display_data", "data": {kind: held}, "metadata": {}}


IN_A_NOTEBOOK: dict[str, str] = {
    "a head of records": notebook(display("text/plain", HEAD)),
    "a table": notebook(display("text/html", ["<table><tr><td>47", "13</td></tr></table>"])),
    "a sentence": notebook(display("text/markdown", f"We saw {PLANTED} people.")),
    "a drawing": notebook(display("image/svg+xml", f"<svg><title>{PLANTED}</title></svg>")),
    "letters of a drawing": notebook(display("image/svg+xml", drawn("4713"))),
    "a picture": notebook(display("image/png", base64.b64encode(picture()).decode())),
    "a value": notebook(display("application/vnd.chart+json", {"data": [{"y": 4713}]})),
    "what was printed": notebook({"output_type": "stream", "name": "stdout", "text": ["n = 47", "13\n"]}),
    "a traceback": notebook(
        {"output_type": "error", "ename": "E", "evalue": "", "traceback": ["\x1b[0;31m4713\x1b[0m"]}
    ),
    "a comment in code": notebook(source="x = 1  # 4713 people"),
    "an attachment": notebook(cell={"attachments": {"a.png": {"image/png": base64.b64encode(picture()).decode()}}}),
    "what a widget remembers": notebook(metadata={"widgets": {"state": {"n": 4713}}}),
}


@pytest.mark.parametrize("kind", IN_A_NOTEBOOK)
def test_a_number_put_into_a_notebook_is_found(tmp_path: Path, published: Published, kind: str) -> None:
    found = scan_file(written(tmp_path, "a.ipynb", IN_A_NOTEBOOK[kind]), published)
    assert 4713 in [residue.number for residue in found]
    assert all("cell 2" in residue.place or "widgets" in residue.place for residue in found)


def test_a_notebook_of_released_numbers_has_no_residue(tmp_path: Path, published: Published) -> None:
    shown = published.where(definition="retained@1", by="all", at=42.0)
    text = f"| Day 42 | {shown.value():.0%} |"
    assert scan_file(written(tmp_path, "a.ipynb", notebook(display("text/markdown", text))), published) == ()


@pytest.mark.slow
def test_a_notebook_of_the_project_shows_released_rows_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cells run here, so that what they publish is at hand; then a head() is planted (rule D13)."""
    pytest.importorskip("IPython")
    folder = Path(__file__).parents[2] / "notebooks"
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    shown: list[dict] = []
    monkeypatch.setattr(
        "IPython.display.display", lambda data, raw=True: shown.append({"output_type": "x", "data": data})
    )
    sys.modules.pop("showing", None)
    made: list[Published] = []
    seal = Published.__post_init__
    monkeypatch.setattr(Published, "__post_init__", lambda self: (seal(self), made.append(self))[0])
    names: dict = {"__name__": "notebook"}
    exec(compile((folder / "04_sobriety_milestones.py").read_text(encoding="utf-8"), "04", "exec"), names)
    path = written(tmp_path, "04.ipynb", notebook(*shown, source=""))
    example = ["day 13 | day 23 |", "not reached | day 23"]  # three made-up people, so labelled, whom no records hold
    assert scan_file(path, *made, vocabulary=example) == ()
    head = names["records"].episodes.head(2).collect().to_pandas().to_string()
    path = written(tmp_path, "04.ipynb", notebook(*shown, display("text/plain", head), source=""))
    assert scan_file(path, *made, vocabulary=example)
