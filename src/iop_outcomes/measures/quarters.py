"""One figure over time: months or quarters, on the chart that suits it, with its signals (docs/methods/charts.md)."""

from __future__ import annotations

from datetime import date, timedelta

import narwhals as nw
import pandas as pd

from iop_outcomes import reductions
from iop_outcomes.cohort import Cohort
from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import Estimates
from iop_outcomes.measures.charts import CHARTS, ChartPlan, Choice, add_lines, choose_gaps, is_screened
from iop_outcomes.measures.period_lines import EPOCH, PERIOD_MEASURES, RARE, View, list_gaps


def measure_by_period(
    cohort: Cohort,
    what: str,
    *,
    period: str = "month",
    since: str | None = None,
    until: str | None = None,
    at: int | None = None,
    chart: str = "auto",
    screen: bool = False,
) -> Estimates:
    """Has this figure really changed, or is it ordinary variation?

    ``what`` is one of ``admissions``, ``retained`` (at day ``at``, default 42, by month of admission), ``completed`` (by
    day ``at``, default the planned length and two weeks, by month of admission), ``milestone`` (30 days sober by day
    ``at``, default the planned length, by month of admission), ``improved`` (reliably, on the first scale that says what
    that is, by month of admission), ``requirement_met``,
    ``hours_completion_enrolled`` (by month in which the week began), ``no_show`` (by month of the session),
    ``terminated``, ``died`` (of the stays that ended in the month; where that is rare, one row for each such ending with
    the days, or the other endings, since the one before). ``period`` is ``month`` or ``quarter``; ``since`` and
    ``until`` are the first and last day shown (default: the first admission, or the day the records begin, and the
    as-of date). Quarters are those of the fiscal year where program.toml sets one. A cohort without an admission window
    shows whole caseloads from the start. Periods that the extract does not cover whole are ``immature`` and stand outside
    the limits.

    ``chart`` is ``auto`` or one of ``xmr``, ``p``, ``p_prime``, ``g``, ``t``, ``run``. ``auto`` takes a run chart below
    12 points, days between endings (t) where fewer than 3 are expected a period, or other endings between them (g) where
    the number that end has itself changed; p for a share with counts, p′ where months differ more than counting
    explains; and XmR for the rest. A ``diagnostic`` row says what it chose and why. ``screen`` leaves wild moving ranges
    out of the limits of XmR, p′ and t charts, once. Page 1 of the report asks for ``xmr`` throughout, so that a reader
    learns one chart (as in NHS England's Making Data Count).

    After the rows of the line come ``center_line`` rows (centre or median, and limits that are the same for all periods,
    as well as a target from the settings with its assurance in ``note``) and ``limit`` rows where limits differ by
    period; a period with a signal says so in ``note``. From each day in the settings' ``rebases`` a line is computed
    anew; the reason stands in the note of its centre. Records without dates have no periods and the result is empty.

    Raises :class:`UsageError` for a word it does not know, a chart the line has no numbers for, and a rebase or target
    of a line there is not.
    """
    plan = ChartPlan.of(cohort.records.manifest.settings, what, known=tuple(PERIOD_MEASURES), screen=screen)
    _check_words(what, period, chart, screen)
    as_of = cohort.records.manifest.as_of
    first = reductions.collect(cohort.episodes.select(nw.col("admission_number").min().alias("first")))["first"].iloc[0]
    if as_of is None or pd.isna(first):
        return Estimates.from_rows([], cohort.settings)
    last = min(date.fromisoformat(until), as_of) if until else as_of
    edges = (since, cohort.records.manifest.settings.get("records_from"))
    start = max(
        EPOCH + timedelta(days=int(first)), *(date.fromisoformat(str(edge)) for edge in edges if edge), date.min
    )
    year_start = int(cohort.records.manifest.settings.get("fiscal_year_start", 1))
    periods = list_periods(start, last, period, year_start)
    settings = cohort.settings
    if period == "quarter" and year_start > 1:
        settings = {**settings, "fiscal_year_start": year_start}
    if not periods:
        return Estimates.from_rows([], settings)
    view = View(cohort, dict(periods), as_of, at)
    rows = sorted(PERIOD_MEASURES[what](view), key=lambda row: row["period_start"])
    choice = Choice(chart) if chart != "auto" else choose_gaps(rows) if what in RARE else None
    if choice is not None and choice.chart in ("t", "g"):
        gaps = list(list_gaps(view, what, "days" if choice.chart == "t" else "endings"))
        return Estimates.from_rows(add_lines(gaps, list(range(len(gaps))), choice, plan), settings)
    if rows:
        starts = [begin for begin, _ in periods if rows[0]["period_start"] <= begin]
        rows = add_lines(rows, [starts.index(row["period_start"]) for row in rows], choice, plan)
    return Estimates.from_rows(rows, settings)


def list_periods(first: date, last: date, period: str, year_start: int = 1) -> list[tuple[str, date]]:
    """First day (ISO) and last day of every whole month or quarter from the one that holds a day up to another day.

    Quarters are counted from the month ``year_start`` in which a fiscal year begins.
    """
    months = 1 if period == "month" else 3
    begun = first.year * 12 + first.month - 1
    begun -= (begun + 1 - year_start) % months
    start = date(begun // 12, begun % 12 + 1, 1)
    periods = []
    while start <= last:
        after = start.month - 1 + months
        following = date(start.year + after // 12, after % 12 + 1, 1)
        periods.append((start.isoformat(), following - timedelta(days=1)))
        start = following
    return periods


def _check_words(what: str, period: str, chart: str, screen: bool) -> None:
    if what not in PERIOD_MEASURES:
        raise UsageError(f"what is one of {', '.join(PERIOD_MEASURES)}")
    if period not in ("month", "quarter"):
        raise UsageError("period is 'month' or 'quarter'")
    if chart not in CHARTS:
        raise UsageError(f"chart is one of {', '.join(CHARTS)}")
    if chart in ("t", "g") and what not in RARE:
        raise UsageError(f"a {chart} chart counts what lies between rare endings: what is one of {', '.join(RARE)}")
    if chart in ("p", "p_prime") and what in ("admissions", "hours_completion_enrolled"):
        raise UsageError(f"{what} is no share of a count, which a {chart} chart needs: choose xmr or run")
    if screen and not is_screened(chart):
        raise UsageError(f"screen leaves out moving ranges, and a {chart} chart has none: choose xmr, p_prime or t")
