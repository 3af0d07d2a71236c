"""A small folder of faultless records that a test spoils in one place, and the checks every spoilt folder must pass."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from iop_outcomes.records.loading import read_records
from iop_outcomes.records.model import Records

TODAY = date(2026, 1, 15)
Rows = list[dict[str, str]]

PROGRAM = """
name = "North Valley"
as_of = 2025-06-30
ids_are_random = true
"""


def _rows(text: str) -> Rows:
    lines = [line.strip() for line in text.strip().splitlines()]
    return list(csv.DictReader(io.StringIO("\n".join(lines))))


def good_tables() -> dict[str, Rows]:
    """Five tables without a fault."""
    return {
        "programs": _rows("""program_id,label,level_of_care,planned_weeks,required_hours,required_hours_by_week,schedule
            north-iop,North,2.1,8,9,1-6:9 7-8:6,evening
            south-res,South,3.5,4,20,,residential"""),
        "episodes": _rows("""
            episode_id,person_id,program_id,level_of_care,admission_date,admission_year,discharge_date,discharge_day,\
end_reason,age,employment
            ep-a,pp-a,north-iop,,2025-01-06,,2025-02-28,,completed,34,full_time
            ep-b,pp-b,north-iop,2.1,2025-03-03,2025,2025-03-20,17,left_early,51,unemployed
            ep-c,pp-a,south-res,3.5,2025-02-28,,2025-04-01,,transferred,34,
            ep-d,pp-c,north-iop,2.1,2025-06-02,,,,,28,part_time"""),
        "attendance": _rows("""episode_id,date,day,week,visit,service_type,modality,hours_offered,hours_attended,status
            ep-a,2025-01-06,0,1,eve,group,in_person,3,3,attended
            ep-a,2025-01-08,,,eve,group,in_person,3,2.5,attended
            ep-a,,,2,eve,group,,3,0,no_show
            ep-a,2025-01-20,,,one,individual,telehealth,1,1,attended
            ep-b,2025-03-03,,,eve,group,in_person,3,3,attended
            ep-b,2025-03-05,,,eve,group,in_person,3,,excused
            ep-c,2025-03-01,,,day,group,in_person,6,6,attended
            ep-d,2025-06-03,,,eve,family,in_person,2,2,attended
            ep-d,2025-06-05,,,eve,group,in_person,3,0,cancelled_by_program"""),
        "outcomes": _rows("""episode_id,date,week,point,month,instrument,substance,score,result,status
            ep-a,2025-01-06,,intake,,phq9,,14,,done
            ep-a,2025-01-13,,week,,urine,any,,negative,done
            ep-a,,3,week,,urine,any,,,missed
            ep-b,2025-03-03,,intake,,work,,,yes,done
            ep-b,,,followup,6,abstinent_30,any,,,not_due
            ep-d,2025-06-03,,intake,,gad7,,9,,done"""),
        "costs": _rows("""program_id,period_start,period_end,line,kind,bearer,amount,price_year
            north-iop,2025-01-01,2025-03-31,personnel,cost,provider,81250,2025
            south-res,2025-01-01,2025-03-31,space,cost,provider,20400.5,2025"""),
    }


def write_table(path: Path, rows: Rows) -> None:
    """Write rows as CSV UTF-8."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, names, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_folder(folder: Path, tables: Mapping[str, Rows], program: str = PROGRAM) -> Path:
    """Write the tables and program.toml."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        write_table(folder / f"{name}.csv", rows)
    (folder / "program.toml").write_text(program, encoding="utf-8")
    return folder


def read(folder: Path, **arguments: object) -> Records:
    """Read the folder as on a fixed day."""
    return read_records(folder, **{"today": TODAY, **arguments})  # type: ignore[arg-type]


def rows_aside(records: Records) -> dict[tuple[str, int], list[str]]:
    """Table and row number to the rules broken, in order."""
    listed: dict[tuple[str, int], list[str]] = {}
    for row in records.manifest.set_aside.itertuples():
        listed.setdefault((str(row.table), int(row.row)), []).append(str(row.rule))
    return listed


def check_accounts(records: Records, tables: Mapping[str, Rows]) -> None:
    """Every row of every table is read and is either used or set aside."""
    listed = rows_aside(records)
    for account in records.manifest.accounts:
        written = len(tables.get(account.table, []))
        aside = [row for table, row in listed if table == account.table]
        assert account.read == written
        assert sum(account.set_aside.values()) == account.read - account.used == len(aside)
        used = getattr(records, account.table).collect("pandas").to_native()
        assert len(used) == account.used
    assert (records.manifest.set_aside["what_to_do"].str.len() > 10).all()
