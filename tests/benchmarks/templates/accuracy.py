"""What the bits cost: true match rates of strings against those of the floats that they were made from."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from tests.benchmarks.templates.population import Float64, Population, scores
from tests.benchmarks.templates.strings import Keyed, agreement, random_secrets

FALSE_MATCH_RATES: Final = (0.01, 0.001, 0.0001)


@dataclass(frozen=True, slots=True)
class Rates:
    """True match rates at FALSE_MATCH_RATES. comparison: what was compared with what. bits: None for floats."""

    comparison: str
    bits: int | None
    true_match: tuple[float, ...]


def accuracy(population: Population, lengths: tuple[int, ...], seed: int) -> list[Rates]:
    """Floats first, then for each number of bits: strings with strings, and a float probe with strings."""
    probes = population.views()
    found = [Rates("float with float", None, _rates(population, probes @ probes.T))]
    for bits, secret in zip(lengths, random_secrets(seed, len(lengths)), strict=True):
        keyed = Keyed(secret, bits)
        signs = keyed.signs(probes)
        found.append(Rates("bits with bits", bits, _rates(population, agreement(signs, signs))))
        found.append(Rates("float with bits", bits, _rates(population, probes @ keyed.derived(signs).T)))
    return found


def carried_over(population: Population, seed: int) -> Rates:
    """A float probe with strings that were made anew, under another key, from what the old key's strings show."""
    old, new = (Keyed(secret) for secret in random_secrets(seed, 2))
    probes = population.views()
    again = new.signs(old.derived(old.signs(probes)))
    return Rates("float with bits, carried over", new.bits, _rates(population, probes @ new.derived(again).T))


def _rates(population: Population, compared: Float64) -> tuple[float, ...]:
    persons, views = population.embeddings.shape[:2]
    mated, others = scores(compared.reshape(persons, views, persons, views))
    thresholds = np.quantile(others, [1 - rate for rate in FALSE_MATCH_RATES])
    return tuple(float((mated > threshold).mean()) for threshold in thresholds)
