"""The command line: one plain function a command. Heavy rooms are imported by the command that needs them.

Exit codes: 0 fine, 1 the records have faults, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iop_outcomes.errors import IopError, UsageError

if TYPE_CHECKING:
    from iop_outcomes.records.model import Records

_FINE, _FAULTS, _WRONG_USAGE = 0, 1, 2
#: What the engine raises, as a RuntimeError, when Ctrl-C comes while it runs a query.
_STOPPED = "Query interrupted"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; a fault a user can mend is printed without a traceback."""
    gc.set_threshold(100_000, 20, 50)  # seldom: a command is over in seconds, and most of what it makes it keeps
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except UsageError as error:
        print(f"iop-outcomes: {error}", file=sys.stderr)
        return _WRONG_USAGE
    except IopError as error:
        print(f"iop-outcomes: {error}", file=sys.stderr)
        return _FAULTS
    except BrokenPipeError:
        return _FINE
    except (KeyboardInterrupt, RuntimeError) as error:
        if isinstance(error, RuntimeError) and str(error) != _STOPPED:
            raise
        print("iop-outcomes: stopped; nothing was half written", file=sys.stderr)
        return _FAULTS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="iop-outcomes",
        description="Figures of intensive outpatient programmes that a programme can stand behind.",
        epilog="Start with: iop-outcomes init DIR, fill the tables, iop-outcomes check DIR, iop-outcomes report DIR.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    init = _command(commands, "init", _init, "write empty tables, a commented program.toml and the data dictionary")
    init.add_argument("folder", metavar="DIR", help="an empty or new folder")

    check = _command(commands, "check", _check, "validate the records and account for every row")
    check.add_argument("folder", metavar="DIR", help="folder of records")
    _reading(check)
    check.add_argument("--set-aside", metavar="FILE", help="write the rows set aside to this file, .csv or .parquet")

    sample = _command(commands, "sample", _sample, "write synthetic records with known truth")
    sample.add_argument("folder", metavar="DIR", help="an empty or new folder")
    sample.add_argument("--people", type=int, default=600, help="how many people (default 600)")
    sample.add_argument("--seed", type=int, default=1, help="same seed, same records (default 1)")
    sample.add_argument(
        "--format",
        choices=("csv", "parquet"),
        default="csv",
        help="parquet streams to disk, for millions (default csv)",
    )
    sample.add_argument("--overwrite", action="store_true", help="replace the sample that stands there")

    measures = _command(commands, "measures", _measures, "list the definitions")
    measures.add_argument("name", nargs="?", help="show one definition in full")
    measures.add_argument("--markdown", action="store_true", help="write all of them as a page")

    crosswalk = _command(
        commands, "crosswalk", _crosswalk, "compare our fields and figures with TEDS, GPRA, SUPRT, HEDIS"
    )
    crosswalk.add_argument("--to", metavar="SYSTEM", help="one of teds, noms, gpra, suprt, hedis (default all)")
    crosswalk.add_argument("--markdown", action="store_true", help="write it as a page")
    crosswalk.add_argument("--codes", metavar="FILE", help="write fields and codes, ours beside theirs, to a CSV file")

    report = _command(commands, "report", _report, "write the quarterly report")
    report.add_argument("folder", metavar="DIR", help="folder of records")
    _reading(report)
    report.add_argument(
        "--quarter",
        help="such as 2025Q4, of the fiscal year where program.toml sets one (default: the last whole one before the as-of date)",
    )
    report.add_argument(
        "--format",
        default="html",
        metavar="LIST",
        help="any of html,pdf,docx,xlsx,md,json,csv, parted by commas (default html)",
    )
    report.add_argument(
        "--audience",
        choices=("public", "internal", "both"),
        default="both",
        help="public passes the release gate; internal is stamped (default both)",
    )
    _releasing(report)

    facts = _command(commands, "facts", _facts, "write the fact sheet for grant writers")
    facts.add_argument("folder", metavar="DIR", help="folder of records")
    _reading(facts)
    facts.add_argument(
        "--period",
        help="a year (2025), or four quarters by their last (2025Q2) (default: the four up to the last whole quarter)",
    )
    facts.add_argument(
        "--format", default="docx", metavar="LIST", help="any of docx,pdf,md,html, and json,csv for the list of facts"
    )
    facts.add_argument(
        "--audience",
        choices=("public", "internal"),
        default="public",
        help="public passes the release gate (default public)",
    )
    _releasing(facts)

    attack = _command(commands, "attack", _attack, "try to work out what a release folder withholds")
    attack.add_argument("folder", metavar="DIR", help="folder of released CSV tables; all in it are read together")
    attack.add_argument("--threshold", type=int, default=11, help="fewest people a number may rest on (default 11)")

    compare = _command(commands, "compare", _compare, "compare two levels of care among people who could go to either")
    compare.add_argument("folder", metavar="DIR", help="folder of records")
    _reading(compare)
    compare.add_argument("--treated", default="2.1", metavar="LEVEL", help="ASAM level (default 2.1)")
    compare.add_argument("--control", default="3.5", metavar="LEVEL", help="ASAM level (default 3.5)")
    compare.add_argument(
        "--outcome", default="abstinent", help="abstinent (default), retained, completed or days_in_care"
    )
    compare.add_argument("--at", type=int, default=180, help="days since admission (default 180)")
    compare.add_argument("--estimand", default="ATO", help="whose effect: ATO (default), ATE, ATT or ATC")
    compare.add_argument("--method", default="weighting", help="weighting (default), aipw or standardisation")

    claims = _command(commands, "claims", _claims, "test the nine claims on a programme's own records")
    claims.add_argument("folder", metavar="DIR", help="folder of records")
    _reading(claims)
    claims.add_argument("--level-of-care", default="2.1", metavar="LEVEL", help="ASAM level (default 2.1)")
    claims.add_argument("--control", default="3.5", metavar="LEVEL", help="residential ASAM level (default 3.5)")
    claims.add_argument(
        "--audience",
        choices=("public", "internal"),
        default="public",
        help="public passes the release gate (default public)",
    )
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    what: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=what, description=what[0].upper() + what[1:] + ".", allow_abbrev=False)
    parser.set_defaults(run=run)
    return parser


def _reading(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mapping", metavar="FILE", help="TOML file that turns an export into the five tables")
    parser.add_argument(
        "--privacy", choices=("internal", "limited", "safe_harbor", "expert"), help="overrides program.toml"
    )
    parser.add_argument(
        "--engine",
        default="duckdb",
        metavar="WHERE",
        help="duckdb (default) or a Spark cluster: spark://HOST:PORT, local[*]",
    )
    parser.add_argument("--memory-limit", metavar="SIZE", help="what DuckDB may keep in memory, such as 4GB")
    parser.add_argument("--spill", metavar="DIR", help="folder in which DuckDB keeps what memory does not hold")


def _releasing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", default="reports", metavar="DIR", help="folder to write to (default reports)")
    parser.add_argument("--paper", choices=("a4", "letter"), default="a4", help="for what is printed (default a4)")
    parser.add_argument("--level-of-care", metavar="LEVEL", help="ASAM level (default 2.1 where there is one)")
    parser.add_argument(
        "--sign-off", metavar="NAME", help="make what is public final and write it into DIR/releases.jsonl"
    )
    parser.add_argument("--overrides", metavar="FILE", help="TOML file of single numbers a named person lets through")


def _release(options: argparse.Namespace) -> dict[str, Any]:
    """Where a release goes, and what makes it final, as the writers of a report and of a fact sheet take it."""
    from iop_outcomes.publication.ledger import LEDGER_FILE
    from iop_outcomes.publication.overrides import read_overrides
    from iop_outcomes.publication.release import SignOff

    if options.sign_off and options.audience == "internal":
        raise UsageError("only a public report is signed off; leave --audience internal out")
    today = date.today()
    return {
        "folder": options.out,
        "level_of_care": options.level_of_care,
        "paper": options.paper,
        "ledger": Path(options.folder).absolute() / LEDGER_FILE if Path(options.folder).is_dir() else None,
        "overrides": read_overrides(options.overrides, today) if options.overrides else (),
        "sign_off": SignOff(options.sign_off, today) if options.sign_off else None,
    }


def _read(options: argparse.Namespace) -> Records:
    from iop_outcomes.records.loading import read_records

    names = ("mapping", "privacy", "engine", "memory_limit", "spill")
    with _progress() as step:
        return read_records(options.folder, step=step, **{name: getattr(options, name) for name in names})


def _print(paths: Sequence[Path]) -> int:
    print("\n".join(map(str, paths)))
    return _FINE


def _read_for_release(options: argparse.Namespace) -> Records:
    records = _read(options)
    if records.manifest.faults:
        print(
            f"{records.manifest.faults:,} rows were set aside; the report says so. "
            f"iop-outcomes check {options.folder} lists them.",
            file=sys.stderr,
        )
    return records


def _init(options: argparse.Namespace) -> int:
    from iop_outcomes.records.templates import write_templates

    return _print(write_templates(options.folder))


def _check(options: argparse.Namespace) -> int:
    from iop_outcomes.records.loading import describe_account, write_set_aside

    records = _read(options)
    print(describe_account(records.manifest))
    if options.set_aside:
        write_set_aside(records, options.set_aside)
        print(f"The rows set aside are in {options.set_aside}.")
    elif records.manifest.faults:
        print("Run again with --set-aside FILE to see each row, its rule and what to do.")
    return _FAULTS if records.manifest.faults else _FINE


def _sample(options: argparse.Namespace) -> int:
    from iop_outcomes.records.synthetic import write_sample

    if options.people < 20:
        raise UsageError("--people is at least 20")
    folder = Path(options.folder)
    if folder.exists() and any(folder.iterdir()) and not options.overwrite:
        raise UsageError("the folder is not empty; choose another or add --overwrite")
    with _progress() as step:
        write_sample(folder, options.people, options.seed, form=options.format, step=step)
    print(f"Synthetic records of {options.people:,} people are in {folder}. Next: iop-outcomes check {folder}")
    return _FINE


def _measures(options: argparse.Namespace) -> int:
    from dataclasses import fields

    from iop_outcomes.measures.library import describe_library, find_definition, load_library

    if options.markdown:
        sys.stdout.write(describe_library())
        return _FINE
    if options.name:
        definition = find_definition(options.name)
        for field in fields(definition):
            print(f"{field.name.replace('_', ' '):<12} {getattr(definition, field.name)}")
        return _FINE
    library = load_library()
    width = max(len(definition.key) for definition in library.values())
    for definition in library.values():
        print(f"{definition.key:<{width}}  {definition.sentence}")
    return _FINE


def _crosswalk(options: argparse.Namespace) -> int:
    from iop_outcomes.measures.crosswalk import choose_entries, describe_crosswalk, write_codes

    entries = choose_entries(options.to)
    if options.codes:
        print(write_codes(entries, options.codes))
    elif options.markdown:
        sys.stdout.write(describe_crosswalk(entries))
    else:
        for entry in entries:
            print(f"{entry.same:<7}  {entry.ours}  |  {entry.system.name} {entry.theirs}\n         {entry.how}")
    return _FINE


def _report(options: argparse.Namespace) -> int:
    from iop_outcomes.publication.formats import check_formats
    from iop_outcomes.reports.quarterly import write_quarterly

    formats, release = check_formats(options.format.split(",")), _release(options)
    records = _read_for_release(options)
    audiences = ("public", "internal") if options.audience == "both" else (options.audience,)
    with _progress() as step:
        paths = write_quarterly(
            records, quarter=options.quarter, audiences=audiences, formats=formats, step=step, **release
        )
    return _print(paths)


def _facts(options: argparse.Namespace) -> int:
    from iop_outcomes.reports.factsheet import check_sheet_formats, write_factsheet

    formats, release = check_sheet_formats(options.format.split(",")), _release(options)
    records = _read_for_release(options)
    with _progress() as step:
        paths = write_factsheet(
            records, period=options.period, formats=formats, audience=options.audience, step=step, **release
        )
    return _print(paths)


def _attack(options: argparse.Namespace) -> int:
    from iop_outcomes.publication.attacker import attack_folder

    with _waiting("Trying to work out what is withheld"):
        text, safe = attack_folder(options.folder, options.threshold)
    print(text)
    return _FINE if safe else _FAULTS


def _compare(options: argparse.Namespace) -> int:
    from iop_outcomes.comparison.effectiveness import compare_levels
    from iop_outcomes.publication.gate import publish
    from iop_outcomes.reports.comparison_text import describe_comparison

    records = _read(options)
    with _waiting("Comparing"):
        wanted = ("treated", "control", "outcome", "at", "estimand", "method")
        found = compare_levels(records, **{name: getattr(options, name) for name in wanted})
    print(describe_comparison(publish(found, audience="internal")))
    return _FINE


def _claims(options: argparse.Namespace) -> int:
    from textwrap import fill

    from iop_outcomes.comparison.claims import test_claims
    from iop_outcomes.publication.figures.claims import READING, tabulate_claims
    from iop_outcomes.publication.gate import publish

    records = _read(options)
    with _waiting("Testing the nine claims"):
        found = test_claims(records, level_of_care=options.level_of_care, control=options.control)
        published = publish(found, audience=options.audience)
    if options.audience == "internal":
        print("INTERNAL: not for release.")
    for claim, verdict, figure, criterion, people, why in tabulate_claims(published).rows:
        print(f"\n{claim}\n    {verdict}   {figure}   {criterion}   people that would tell: {people}")
        print(fill(str(why), 110, initial_indent="    ", subsequent_indent="    ") or "    withheld to protect privacy")
    print(f"\n{found.settings['claims']} claims, {found.settings['figures_tested']} figures. {READING}")
    return _FINE


@contextmanager
def _waiting(what: str) -> Iterator[None]:
    """A spinner on a terminal; nothing in a log."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on a terminal, fed with what is being done, how much is done, and of how much."""
    if not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Working")
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total)


if __name__ == "__main__":
    sys.exit(main())
