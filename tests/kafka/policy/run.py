"""`make policy`: the data policy's nine promises on an Apache Kafka of its own; a table, and build/policy.json.

A thousand frames are served, with enrollments, deletions and faults; `facestreams audit` must see nine promises held.
Then each is broken on purpose, one after the other, and the audit must name it, and no other. Ends with 0 if it does.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.kafka.jars import KafkaMissingError
from tests.kafka.policy.acts import ACTS
from tests.kafka.policy.proof import PROMISES, NotHeldError, Proof, Row, prove, took_s

REPORT: Final = Path("build/policy.json")
FRAMES: Final = 1000
ACTS_OF: Final = {number: [act.name for act in ACTS if act.promise == number] for number in PROMISES}
"""By which acts a promise is broken."""


def main(arguments: Sequence[str]) -> int:
    """0 if nine promises were held and each was caught when it was broken, else 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=FRAMES, help=f"that are served ({FRAMES})")
    given = parser.parse_args(arguments)
    begun = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="facestreams-policy-") as directory:
            proof = asyncio.run(prove(Path(directory), frames=given.frames, said=lambda line: print(line, flush=True)))
    except (KafkaMissingError, NotHeldError) as error:
        print(f"policy: {error}", file=sys.stderr)
        return 1
    _report(proof, round(time.monotonic() - begun))
    for failure in proof.failures:
        print(f"not as promised: {failure}", file=sys.stderr)
    if not proof.failures:
        print("nine promises held, nine caught when broken")
    return 1 if proof.failures else 0


def _report(proof: Proof, seconds: int) -> None:
    table = Table(title="The data policy, audited on Apache Kafka")
    for column in ("promise", "held", "caught when broken", "bound", "evidence"):
        table.add_column(column)
    for row in proof.rows:
        bound = "" if row.bound_s is None else f"{row.bound_s:g} s"
        caught = "yes" if row.caught_when_broken else "NO"
        table.add_row(row.promise, "yes" if row.held else "NO", caught, bound, "\n".join(row.evidence))
    Console(width=160).print(table)
    print("README:", *_readme_rows(proof.rows), sep="\n")
    served = proof.served
    report = {
        "rows": [asdict(row) for row in proof.rows],
        "acts": proof.acts,
        "seconds": seconds,
        "frames": 0 if served is None else served.frames,
        "commands": 0 if served is None else served.commands,
        "codes": {} if served is None else dict(served.codes),
        "deletion_s": [] if served is None else [took_s(receipt) for receipt in served.receipts],
        "failures": proof.failures,
    }
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    print(f"{seconds} s; written to {REPORT}")


def cells(*, held: bool, caught: bool, promise: int) -> tuple[str, str]:
    """The last two columns of the README's table of the policy: held, and caught by which acts."""
    return "yes" if held else "NO", f"{'yes' if caught else 'NO'}: {'; '.join(ACTS_OF[promise])}"


def _readme_rows(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        held, caught = cells(held=row.held, caught=row.caught_when_broken, promise=int(row.promise.partition(".")[0]))
        yield f"| {row.promise} | {held} | {caught} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
