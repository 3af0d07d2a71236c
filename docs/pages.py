"""Write the pages of the documentation that are made from the code: definitions, crosswalk, glossary, notebooks, API reference.

``python docs/pages.py`` writes them; ``tests/house/test_docs_in_step.py`` holds them in step.
"""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType

import iop_outcomes as iop
from iop_outcomes.measures.crosswalk import describe_crosswalk
from iop_outcomes.measures.library import list_pages

DOCS = Path(__file__).resolve().parent

#: Pages of the API reference: title, and the rooms or modules of ``iop_outcomes`` whose public words they hold.
REFERENCE: dict[str, tuple[str, str]] = {
    "records": ("Records", "records"),
    "cohort": ("Cohort and estimates", "cohort estimates"),
    "measures": ("Measures", "measures"),
    "comparison": ("Comparison", "comparison"),
    "publication": ("Publishing", "publication reports"),
    "figures": ("Figures", "publication.figures"),
}
#: The same for ``iop_outcomes.statistics``, a section a module.
STATISTICS: dict[str, tuple[str, str]] = {
    "shares": ("Shares, ratios and means", "proportion ratio mean intervals agreement power target"),
    "survival": ("Staying and leaving", "survival competing_risks curves mean_time curve_tests"),
    "missing": ("What is missing", "missing imputation answered"),
    "regression": ("Regression and standardisation", "regression standardisation pooling"),
    "weighting": (
        "Groups made alike",
        "propensity balance effect weighting doubly_robust several_groups clone_censor sensitivity",
    ),
    "economics": ("Cost and effect", "economics plane fieller frontier decision margins tornado accrual followed"),
    "resampling": ("Resampling", "resampling reweighting"),
    "charts": ("Charts over time and funnels", "process_control attribute_charts rare_events run_charts funnel"),
    "scales": ("Scales", "scales"),
}


_API = (
    "`import iop_outcomes as iop` has the public words; `iop.statistics` the estimators on plain arrays. Everything here is "
    "written from the docstrings."
)


def write_pages() -> dict[str, str]:
    """Every page made from the code: path below ``docs``, and text."""
    single = {"crosswalk.md": describe_crosswalk(), "glossary.md": _glossary(), "notebooks.md": _notebooks()}
    return {**list_pages(), **single, **_reference(), **_statistics()}


def _glossary() -> str:
    """``GLOSSARY.md``, a word a line there, as a list of words and what they mean."""
    lines = (DOCS.parent / "GLOSSARY.md").read_text(encoding="utf-8").splitlines()
    entries = [found.groups() for line in lines if (found := re.match(r"- \*\*(.+?)\*\* (.+)", line))]
    return "# Glossary\n\n" + "\n\n".join(f"{word}\n: {sentence}" for word, sentence in entries) + "\n"


def _notebooks() -> str:
    """``notebooks/README.md`` with a heading, picture and sentence a notebook; the notebooks themselves stay where they are."""
    lines = (DOCS.parent / "notebooks" / "README.md").read_text(encoding="utf-8").partition("\n## ")[0].splitlines()
    shown = [_show_notebook(line) for line in lines if not line.startswith(("| picture", "| ---"))]
    return "\n".join(shown).replace("](../docs/", "](").rstrip() + "\n"


def _show_notebook(line: str) -> str:
    """A row of that table as a section; any other line as it is."""
    row = re.fullmatch(
        r'\| \[<img src="\.\./docs/(\S+)" alt="([^"]*)"[^>]*>\]\(.*?\) \| \*\*(\d+ · )\[(.+?)\]\((\S+)\)\*\*: (.*) \|',
        line,
    )
    if not row:
        return line
    picture, words, place, title, path, sentence = row.groups()
    sentence = sentence[0].upper() + sentence[1:]
    return f"## {place}{title}\n\n{sentence} `notebooks/{path}`\n\n![{words}]({picture})\n"


def _reference() -> dict[str, str]:
    rooms = {word: home.rpartition(".")[0] or home for word, home in iop._HOMES.items()}
    words = {
        name: [word for word, room in rooms.items() if room in held.split()] for name, (_, held) in REFERENCE.items()
    }
    _check(rooms, words)
    index = [
        "# API reference",
        _API,
        _toctree("iop_outcomes", REFERENCE, ""),
        _toctree("iop_outcomes.statistics", STATISTICS, "statistics/"),
    ]
    return {"api/index.md": "\n\n".join(index) + "\n"} | {
        f"api/{name}.md": f"# {REFERENCE[name][0]}\n\n{_describe(iop, found)}" for name, found in words.items()
    }


def _statistics() -> dict[str, str]:
    pages, placed = {}, {}
    for name, (title, modules) in STATISTICS.items():
        parts = [f"# {title}", "Numbers in, numbers out: `iop_outcomes.statistics`."]
        for module in modules.split():
            home = import_module(f"iop_outcomes.statistics.{module}")
            placed[module] = [word for word in iop.statistics.__all__ if _lives_in(word, home)]
            parts += [f"## {module.replace('_', ' ').capitalize()}", _directive("automodule", home.__name__)]
            parts.append(_describe(iop.statistics, placed[module], home.__name__).strip())
        pages[f"api/statistics/{name}.md"] = "\n\n".join(parts) + "\n"
    _check(iop.statistics.__all__, placed)
    return pages


def _lives_in(word: str, home: ModuleType) -> bool:
    """Whether this module defines the word and does not merely import it."""
    found = getattr(iop.statistics, word)
    if callable(found):
        return inspect.getmodule(found) is home
    return re.search(rf"^{word}\b.*=", inspect.getsource(home), re.MULTILINE) is not None


def _check(wanted: Iterable[str], placed: dict[str, list[str]]) -> None:
    """Every public word stands on one page; ``LookupError`` names those that do not."""
    times = Counter(word for words in placed.values() for word in words)
    if amiss := [word for word in wanted if times[word] != 1]:
        raise LookupError(f"not on one page of the API reference: {', '.join(amiss)}")


def _describe(home: ModuleType, words: list[str], defined_in: str = "") -> str:
    """Directives for these words of a package; data are asked of the module that defines and describes them."""
    parts = []
    for word in words:
        value = getattr(home, word)
        if inspect.isclass(value):
            parts.append(_directive("autoclass", f"{home.__name__}.{word}", ":members:"))
        elif callable(value):
            parts.append(_directive("autofunction", f"{home.__name__}.{word}"))
        else:
            parts.append(_directive("autodata", f"{defined_in}.{word}"))
    return "\n\n".join(parts) + "\n"


def _toctree(caption: str, pages: dict[str, tuple[str, str]], folder: str) -> str:
    return "\n".join(
        ["```{toctree}", ":maxdepth: 1", f":caption: {caption}", "", *(f"{folder}{name}" for name in pages), "```"]
    )


def _directive(kind: str, name: str, *options: str) -> str:
    lines = [f".. {kind}:: {name}", *(f"   {option}" for option in options)]
    return "\n".join(["```{eval-rst}", *lines, "```"])


def main() -> None:
    """Write the pages, and take away those of a folder that are not made any more."""
    pages = write_pages()
    for path, text in pages.items():
        target = DOCS / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
    for folder in ("definitions", "api"):
        for found in (DOCS / folder).rglob("*.md"):
            if found.relative_to(DOCS).as_posix() not in pages:
                found.unlink()


if __name__ == "__main__":
    main()
