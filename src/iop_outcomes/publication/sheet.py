"""One sheet of a workbook, filled from the top: titles, prose, tables, and numbers that look as a page prints them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from math import ceil
from typing import TYPE_CHECKING, Any

from iop_outcomes.publication.document import Table
from iop_outcomes.publication.export import settle_value, strip_controls
from iop_outcomes.publication.formatting import Kind, Quantity, show
from iop_outcomes.publication.wording import show_cell

if TYPE_CHECKING:
    from xlsxwriter import Workbook  # type: ignore[import-untyped]
    from xlsxwriter.format import Format  # type: ignore[import-untyped]
    from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]

#: Narrowest column of a page, the widest that words may take beside numbers and elsewhere, and the least for prose.
_NARROW, _BESIDE, _BROAD, _PROSE = 11, 30, 54, 100
#: The most letters across a sheet that is printed upright. It is scaled to one page wide and still above 6 points.
_UPRIGHT = 165
#: How high a line is, and by how much words run longer than their letters.
_LINE, _LOOSE = 15.5, 1.03
_LONGEST_NAME = 31
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\]")
_INK, _SOFT, _ACCENT, _WASH, _RULE, _WARNING = "#1c2430", "#55606e", "#1f5fa8", "#f3f6fa", "#d5dae1", "#b85a00"
_HEADER = {"text_wrap": True, "bold": True, "bg_color": _WASH, "bottom": 1, "bottom_color": _ACCENT}
_STYLES: dict[str, dict[str, Any]] = {
    "stamp": {"bold": True, "font_color": _WARNING},
    "title": {"bold": True, "font_size": 15, "font_color": _ACCENT},
    "heading": {"bold": True, "font_size": 12},
    "prose": {"text_wrap": True},
    "key": {"text_wrap": True, "bold": True},
    "caption": {"text_wrap": True, "font_color": _SOFT, "font_size": 10},
    "header": {**_HEADER, "align": "left", "indent": 1},
    "number header": {**_HEADER, "align": "right"},
    "words": {"text_wrap": True, "bottom": 1, "bottom_color": _RULE, "align": "left", "indent": 1},
    "number": {"align": "right", "bottom": 1, "bottom_color": _RULE},
    "plain": {},
    "link": {"font_color": _ACCENT, "underline": 1, "bottom": 1, "bottom_color": _RULE},
}
#: How a number of each kind is shown where nothing else is known of it.
_KINDS: dict[Kind, str] = {
    "share": "0.0%",
    "count": "#,##0",
    "days": '#,##0.0" days"',
    "weeks": '#,##0.0" weeks"',
    "hours": '#,##0.0" hours"',
    "ratio": "#,##0.00",
    "number": "#,##0.00",
    "money": '"$"#,##0.00;-"$"#,##0.00',
    "p_value": "0.000",
}


def name_sheet(name: str, taken: Collection[str] = ()) -> str:
    """A name Excel takes for a sheet: at most 31 letters, none it forbids, and not one that is taken.

    >>> name_sheet("A1 How sure can we be?"), name_sheet("7 Sites/groups", {"7 Sites groups"})
    ('A1 How sure can we be', '7 Sites groups (b)')
    """
    plain = " ".join(_NOT_IN_NAMES.sub(" ", strip_controls(name)).split()).strip("'") or "Page"
    used = {each.lower() for each in taken}
    for ending in ("", *(f" ({letter})" for letter in "bcdefghijklmnopqrstuvwxyz")):
        short = plain[: _LONGEST_NAME - len(ending)].rstrip(" '") + ending
        if short.lower() not in used:
            return short
    raise ValueError("more than 26 pages share a title")


def number_format(quantity: Quantity) -> str:
    """The number format with which a cell shows a quantity as a page prints it, base and unit with it.

    >>> [number_format(Quantity("share", n / of, n=n, denominator=of)) for n, of in ((52, 90), (7, 19))]
    ['0%', '"7 of 19"']
    """
    shown = show(quantity)
    found = re.fullmatch(r"-?(\$?)-?([\d,]+)(\.\d+)?(%| days| weeks| hours)?", shown)
    if found is None:
        return f'"{shown}"'
    money, whole, places, unit = (part or "" for part in found.groups())
    percent = unit == "%"
    value = Decimal(str(settle_value(abs(quantity.value)))) * (100 if percent else 1)
    if value.quantize(Decimal(f"1{places and f'E-{len(places) - 1}'}"), ROUND_HALF_UP) != Decimal(
        whole.replace(",", "") + places
    ):
        return f'"{shown}"'  # a half, which Excel rounds away from zero and a page to the even digit
    digits = f"{'0' if percent else '#,##0'}{places and '.' + '0' * (len(places) - 1)}"
    if money:
        return f'"$"{digits};"$"-{digits}'
    return digits + (unit if percent else f'"{unit}"' if unit else "")


def kind_format(kind: Kind) -> str:
    """The number format of a kind of number in a long table, where one column holds many."""
    return _KINDS[kind]


class Styles:
    """The formats of a workbook, each made once."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self._made: dict[tuple[str, str], Format] = {}

    def get(self, name: str, shown_as: str = "") -> Format:
        """A style by its name, for a number with its number format."""
        if (name, shown_as) not in self._made:
            options = {"font_color": _INK, "valign": "top", **_STYLES[name]}
            self._made[name, shown_as] = self._book.add_format(
                {**options, "num_format": shown_as} if shown_as else options
            )
        return self._made[name, shown_as]


class Sheet:
    """A sheet that is filled downwards."""

    def __init__(self, sheet: Worksheet, styles: Styles) -> None:
        self._sheet, self._styles = sheet, styles
        self._row = 0
        self._widths: list[float] = []
        sheet.hide_gridlines(2)

    def set_up_print(self, paper: int, header: str, footer: str) -> None:
        """One page of paper wide, as many long as it takes, with header and footer; wide sheets lie on their side."""
        self._sheet.set_paper(paper)
        self._sheet.fit_to_pages(1, 0)
        self._sheet.set_margins(left=0.4, right=0.4, top=0.8, bottom=0.7)
        self._sheet.set_header(header)
        self._sheet.set_footer(footer)

    def set_widths(self, widths: Sequence[float]) -> None:
        """How wide the columns are, in letters; prose spans as many as it needs."""
        self._widths = list(widths)
        while sum(self._widths) < _PROSE:
            self._widths.append(_NARROW)
        self._turn(self._widths)
        for column, width in enumerate(self._widths):
            self._sheet.set_column(column, column, width, self._styles.get("plain"))

    def head(self, title: str, *lines: str, stamps: Sequence[str] = ()) -> None:
        """Stamps, title and lead of a sheet; the title stays in sight when the sheet is scrolled, and on every page."""
        if stamps:
            self._write(self._row, 0, " · ".join(stamps), "stamp")
            self._row += 1
        self._write(self._row, 0, title, "title")
        self._sheet.set_row(self._row, 21)
        self._row += 1
        self._sheet.freeze_panes(self._row, 0)
        self._sheet.repeat_rows(0, self._row - 1)
        for line in lines:
            self.prose(line)
        self._row += 1

    def heading(self, text: str) -> None:
        """The title of a block."""
        self._write(self._row, 0, text, "heading")
        self._sheet.set_row(self._row, 17)
        self._row += 1

    def prose(self, text: str, style: str = "prose") -> None:
        """A paragraph over the width of the page; nothing for no text."""
        if not text:
            return
        cleaned = strip_controls(text)
        self._sheet.merge_range(self._row, 0, self._row, len(self._widths) - 1, "", self._styles.get(style))
        self._write(self._row, 0, cleaned, style)
        self._end_row([(cleaned, sum(self._widths))])

    def gap(self) -> None:
        """An empty row."""
        self._row += 1

    def table(self, table: Table) -> None:
        """A table: words as words, numbers as numbers; no header where no column has a name."""
        numbers = {place for row in table.rows for place, cell in enumerate(row) if isinstance(cell, Quantity)}
        if any(table.columns):
            for place, name in enumerate(table.columns):
                self._write(self._row, place, name, "number header" if place in numbers else "header")
            self._end_row(zip(table.columns, self._widths, strict=False))
        for row in table.rows:
            for place, cell in enumerate(row):
                if isinstance(cell, Quantity):
                    self._write_quantity(self._row, place, cell)
                else:
                    self._write(self._row, place, cell, "words")
            self._end_row(zip(map(show_cell, row), self._widths, strict=False))
        self._row += 1

    def long_table(
        self, columns: Sequence[str], rows: Iterable[Sequence[tuple[Any, str]]], printed: tuple[str, str]
    ) -> None:
        """A table of values with the number format of each; its header stays in sight, and it can be filtered.

        ``printed`` names the first and the last column that go on paper. In those a long text goes on in further lines;
        the others can be read on the screen.
        """
        top, rows = self._row, list(rows)
        first, last = map(columns.index, printed)
        paper = slice(first, last + 1)
        numbers = {place for row in rows for place, (value, _) in enumerate(row) if isinstance(value, int | float)}
        styles = ["plain" if not first <= place <= last else "number" if place in numbers else "words"
                  for place in range(len(columns))]  # fmt: skip
        for place, name in enumerate(columns):
            self._write(top, place, name, "header")
        self._row += 1
        for row in rows:
            for place, (style, (value, shown_as)) in enumerate(zip(styles, row, strict=True)):
                if isinstance(value, int | float):
                    self._sheet.write_number(self._row, place, value, self._styles.get(style, shown_as))
                elif value is None or value == "":
                    self._sheet.write_blank(self._row, place, None, self._styles.get(style))
                else:
                    self._write(self._row, place, str(value), style)
            texts = (value if isinstance(value, str) else "" for value, _ in row[paper])
            self._end_row(zip(texts, self._widths[paper], strict=True))
        self._sheet.freeze_panes(top + 1, 1)
        self._sheet.repeat_rows(top)
        self._sheet.print_area(top, first, top + len(rows), last)
        self._turn(self._widths[paper])
        if rows:
            self._sheet.autofilter(top, 0, top + len(rows), len(columns) - 1)
        self._row += 1

    def _turn(self, widths: Iterable[float]) -> None:
        """Upright or on its side, by how wide the printed columns are."""
        if sum(widths) <= _UPRIGHT:
            self._sheet.set_portrait()
        else:
            self._sheet.set_landscape()

    def links(self, lines: Iterable[tuple[str, str]]) -> None:
        """Names of other sheets, each a link to it, with what it holds."""
        for name, holds in lines:
            quoted = name.replace("'", "''")
            self._sheet.write_url(self._row, 0, f"internal:'{quoted}'!A1", self._styles.get("link"), name)
            self._write(self._row, 1, holds, "words")
            self._end_row([(holds, self._widths[1])])

    def _end_row(self, texts: Iterable[tuple[str, float]]) -> None:
        """Go to the next row, having made this one as high as the longest of its texts needs in its width."""
        lines = max(ceil(_LOOSE * len(text) / width) for text, width in texts)
        if lines > 1:
            self._sheet.set_row(self._row, _LINE * lines)
        self._row += 1

    def _write(self, row: int, column: int, text: str, style: str) -> None:
        self._sheet.write_string(row, column, strip_controls(text), self._styles.get(style))

    def _write_quantity(self, row: int, column: int, quantity: Quantity) -> None:
        """The released value shown as a page prints it; words where there is none."""
        value = settle_value(quantity.value)
        if quantity.withheld or value is None:
            self._write(row, column, show(quantity), "number")
        else:
            self._sheet.write_number(row, column, value, self._styles.get("number", number_format(quantity)))


def choose_widths(tables: Iterable[Table]) -> list[float]:
    """Column widths that suit every table of a page: no number cut, long words broken over lines."""
    widths: list[float] = []
    for table in tables:
        beside = any(isinstance(cell, Quantity) for row in table.rows for cell in row)
        for place, name in enumerate(table.columns):
            longest_word = max((len(word) for word in name.split()), default=0)
            wanted = max([len(show_cell(row[place])) for row in table.rows] + [longest_word, ceil(len(name) / 2)]) + 4
            if place == len(widths):
                widths.append(_NARROW)
            widths[place] = max(widths[place], min(wanted, _BESIDE if beside and place else _BROAD))
    return widths
