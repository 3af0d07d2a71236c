"""How to cite a release: as BibTeX, in APA's form, and as CSL-JSON for reference managers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

_SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"} | {
    sign: f"\\{sign}" for sign in "&%$#_{}"
}


@dataclass(frozen=True)
class Citation:
    """What a citation needs: who, when, what, which release; the day is that of the data, so that it never changes."""

    author: str
    title: str
    as_of: date | None
    release_id: str
    software: str
    synthetic: bool = False

    @property
    def key(self) -> str:
        """A name for it: author, year and release.

        >>> Citation("North Valley IOP", "Fact sheet, 2025", date(2026, 1, 31), "d625313202fe", "iop_outcomes 0.1.0").key
        'north_valley_iop_2026_d625313202fe'
        """
        words = re.sub(r"[^a-z0-9]+", "_", self.author.lower()).strip("_") or "programme"
        return "_".join(filter(None, (words, self._year, self.release_id)))

    def apa(self) -> str:
        """One line in APA's form (seventh edition, data set)."""
        return f"{self.author}. ({self._year or 'n.d.'}). {self._titled} [Data set]. {self._note}."

    def bibtex(self) -> str:
        """An entry for a BibTeX file; signs with a meaning in TeX are escaped."""
        fields = {"author": f"{{{_escape(self.author)}}}", "title": _escape(self._titled)}
        fields |= {"year": self._year} if self._year else {}
        fields["note"] = _escape(self._note)
        lines = ",\n".join(f"  {name} = {{{text}}}" for name, text in fields.items())
        return f"@misc{{{self.key},\n{lines}\n}}"

    def csl(self) -> dict[str, Any]:
        """The same as CSL-JSON, the data reference managers exchange."""
        entry: dict[str, Any] = {
            "id": self.key, "type": "dataset", "title": self._titled, "author": [{"literal": self.author}],
        }  # fmt: skip
        if self.as_of:
            entry["issued"] = {"raw": self.as_of.isoformat()}
        return {**entry, "note": self._note}

    @property
    def _year(self) -> str:
        return str(self.as_of.year) if self.as_of else ""

    @property
    def _titled(self) -> str:
        return f"{self.title} (synthetic records)" if self.synthetic else self.title

    @property
    def _note(self) -> str:
        as_of = f", data as of {self.as_of.isoformat()}" if self.as_of else ""
        return f"Release {self.release_id}{as_of}, made with {self.software}"


def _escape(text: str) -> str:
    return "".join(_SPECIAL.get(sign, sign) for sign in text)
