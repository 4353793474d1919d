"""What protects a stored face, in figures: `make bench-templates` prints them and writes build/bench-templates.json."""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from models.gallery.thresholds import threshold
from tests.benchmarks.templates.accuracy import FALSE_MATCH_RATES, Rates, accuracy, carried_over
from tests.benchmarks.templates.attacks import Reach, reach
from tests.benchmarks.templates.climbing import Climb, Use, climbs, use
from tests.benchmarks.templates.population import Population, drawn, scores
from tests.benchmarks.templates.real import DIRECTORY_VARIABLE, VIEWS_OF_A_SET, Eyes, cast, directory
from tests.benchmarks.templates.structured import Found, learned_flips
from tests.benchmarks.templates.unlinkability import Linkage, linkages

OUTPUT: Final = Path("build/bench-templates.json")
SEED: Final = 7
LENGTHS: Final = (256, 512, 1024, 2048)
LINKED: Final = (10, 30, 100, 1000)
PAIRS: Final = (1, 10, 30, 50, 100, 200, 500, 1000)
STEPS: Final = (0, 0.001, 0.01, 0.02, 0.05, 0.1)
QUERIES: Final = (64, 128, 200, 1000, 5000)
FEATURES: Final = 1000
"""Size of the gallery whose threshold an approximation must pass."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and deviation of the cosines of one person's pictures, and of two persons'."""

    population: str
    same_mean: float
    same_deviation: float
    other_mean: float
    other_deviation: float


def main() -> int:
    """Print each table as it is ready; 0 when the figures are written."""
    console = Console()
    limit = threshold(FEATURES, impostor_mean=0.10, impostor_deviation=0.11)
    result: dict[str, Any] = {"threshold": limit}
    people = [drawn(400, 5, SEED), *_real(console)]
    result["populations"] = _spreads(console, people)
    result["accuracy"] = {each.name: _accuracy(console, each) for each in people}
    result["unlinkability"] = _linkability(console, linkages(drawn(4000 + max(LINKED), 2, SEED), LINKED, SEED))
    result["approximation"] = _approximation(console, reach(PAIRS, 400, limit, SEED), limit)
    flips = [learned_flips(count, 40, SEED) for count in (8, 16, 30, 50)]
    result["hadamard_frame"] = _flips(console, flips)
    result["climbing"] = _climbing(console, climbs(STEPS, QUERIES, 50, SEED))
    result["rounding"] = _rounding(console, use(drawn(400, 5, SEED), STEPS, SEED))
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    console.print(f"written to {OUTPUT}")
    return 0


def _real(console: Console) -> Iterable[Population]:
    with TemporaryDirectory() as cache:
        eyes = Eyes(Path(cache))
        yield cast(eyes)
        named = os.environ.get(DIRECTORY_VARIABLE)
        if named and (own := directory(Path(named), eyes)) is not None:
            yield own
        else:
            console.print(
                f"skipped: pictures of your own; {DIRECTORY_VARIABLE} names no directory with a folder for each of "
                f"two persons or more and {VIEWS_OF_A_SET} pictures in each"
            )


def _spreads(console: Console, people: Sequence[Population]) -> list[dict[str, Any]]:
    found = []
    for each in people:
        shape = each.embeddings.shape[:2]
        same, other = scores((each.views() @ each.views().T).reshape(*shape, *shape))
        found.append(Spread(each.name, same.mean(), same.std(), other.mean(), other.std()))
    return _shown(console, "Cosines of those who are evaluated", found)


def _accuracy(console: Console, population: Population) -> list[dict[str, Any]]:
    found: list[Rates] = [*accuracy(population, LENGTHS, SEED), carried_over(population, SEED)]
    names = [f"at {rate:.2%}" for rate in FALSE_MATCH_RATES]
    rows = [
        {"comparison": each.comparison, "bits": each.bits, **dict(zip(names, each.true_match, strict=True))}
        for each in found
    ]
    return _table(console, f"True match rate by false match rate: {population.name}", rows)


def _linkability(console: Console, found: Sequence[Linkage]) -> list[dict[str, Any]]:
    return _shown(console, "Linking strings of one person (D_sys: 0 unlinkable, 1 linkable)", found)


def _approximation(console: Console, found: Sequence[Reach], limit: float) -> list[dict[str, Any]]:
    return _shown(console, f"Approximating an embedding (accepted from {limit:.3f} on)", found)


def _flips(console: Console, found: Sequence[Found]) -> list[dict[str, Any]]:
    return _shown(console, "A frame of Hadamard matrices and sign flips: one of its blocks from known pairs", found)


def _climbing(console: Console, found: Sequence[Climb]) -> list[dict[str, Any]]:
    return _shown(console, "From published similarities, by the step of rounding", found)


def _rounding(console: Console, found: Sequence[Use]) -> list[dict[str, Any]]:
    return _shown(console, "What rounding costs a reader with a threshold of his own (0.1 % meant)", found)


def _shown(console: Console, title: str, found: Sequence[Any]) -> list[dict[str, Any]]:
    return _table(console, title, [asdict(each) for each in found])


def _table(console: Console, title: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    table = Table(*rows[0], title=title, title_justify="left")
    for row in rows:
        table.add_row(*(_said(value) for value in row.values()))
    console.print(table)
    return rows


def _said(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return "" if value is None else str(value)


if __name__ == "__main__":
    raise SystemExit(main())
