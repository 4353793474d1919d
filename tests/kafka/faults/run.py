"""`make faults`: every scenario on Apache Kafka, three workers, eight cameras; a table and build/faults.json."""

import argparse
import asyncio
import json
import sys
import tempfile
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.kafka.faults.catalogue import SCENARIOS
from tests.kafka.faults.count import Row
from tests.kafka.faults.scenario import Scenario, run
from tests.kafka.jars import KafkaMissingError

REPORT: Final = Path("build/faults.json")
FRAMES_PER_S: Final = 4.0
"""Of each camera."""


def main(arguments: Sequence[str]) -> int:
    """0 if every promise held in every scenario, 1 if one was broken or a scenario could not be run to its end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="scenarios whose names hold this text")
    parser.add_argument("--short", action="store_true", help="their short forms, as the tests run them")
    given = parser.parse_args(arguments)
    chosen = [scenario for scenario in SCENARIOS if not given.only or given.only in scenario.name]
    rows, failures = [], []
    for number, scenario in enumerate(chosen, 1):
        print(f"{number} of {len(chosen)}: {scenario.name}", flush=True)
        try:
            rows.append(row := _run(scenario, short=given.short))
        except KafkaMissingError as error:
            print(f"faults: {error}", file=sys.stderr)
            return 1
        except Exception as error:  # noqa: BLE001  one that cannot be run to its end must not cost the others
            failures.append(f"{scenario.name}: {error!r}")
            traceback.print_exception(error)
        else:
            failures += [f"{scenario.name}: {sentence}" for sentence in row.broken]
    _report(rows)
    for failure in failures:
        print(f"broken: {failure}", file=sys.stderr)
    if not failures:
        print(f"nothing lost, nothing out of order, in {len(rows)} scenarios")
    return 1 if failures else 0


def _run(scenario: Scenario, *, short: bool) -> Row:
    with (
        tempfile.TemporaryDirectory(prefix="facestreams-faults-") as directory,
        scenario.ground(Path(directory)) as kafka,
    ):
        return asyncio.run(run(scenario, kafka, short=short, frames_per_s=FRAMES_PER_S))


def _report(rows: Sequence[Row]) -> None:
    table = Table(title="Faults on Apache Kafka: three workers, eight cameras")
    columns = list(Row.__dataclass_fields__)
    for column in columns:
        table.add_column(column.replace("_", " "), justify="left" if column == "scenario" else "right")
    for row in rows:
        table.add_row(*(str(getattr(row, column)) for column in columns))
    Console(width=200).print(table)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps({"rows": [asdict(row) for row in rows]}, indent=2) + "\n", "utf-8")
    print(f"written to {REPORT}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
