"""Can strings of one person under two keys be told to belong together? The measure D_sys.

Gomez-Barrero, Galbally, Rathgeb and Busch, General Framework to Evaluate Unlinkability in Biometric Template
Protection Systems, IEEE Transactions on Information Forensics and Security 13(6), 2018. From a linkage score s of two
strings of one person (mated) or of two (non-mated), with the likelihood ratio LR(s) = p(s | mated) / p(s | non-mated)
and equal priors, D(s) = 2 LR / (1 + LR) - 1 where LR > 1, else 0, and D_sys is its mean over the mated scores: 0 if
nothing can be told, 1 if everything can. Densities are histograms, which find a little where there is nothing; what
they find in scores that are all non-mated is reported beside as the floor.

Linkage scores: the bits that agree; and the best linear one, which an attacker learns from persons whose strings
under both keys are known to him (ridge regression from the one string to the other).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.gallery.seal import seal
from models.gallery.statement import Statement
from tests.benchmarks.templates.population import Float64, Population
from tests.benchmarks.templates.strings import Keyed, Signs, agreement, random_secrets

MOST_BINS: Final = 100
SCORES_A_BIN: Final = 50
RIDGE: Final = 30.0


@dataclass(frozen=True, slots=True)
class Linkage:
    """floor: D_sys of non-mated scores against non-mated ones, what chance alone gives at this number of scores."""

    attack: str
    d_sys: float
    floor: float


def d_sys(mated: Float64, others: Float64) -> float:
    """From 0, unlinkable, to 1. Bins have one width, between the smallest and the largest score."""
    bins = max(2, min(MOST_BINS, len(mated) // SCORES_A_BIN))
    edges = np.histogram_bin_edges(np.concatenate([mated, others]), bins)
    of_mated = np.histogram(mated, edges)[0] / len(mated)
    of_others = np.histogram(others, edges)[0] / len(others)
    total = of_mated + of_others
    local = np.where(of_mated > of_others, (of_mated - of_others) / np.where(total > 0, total, 1), 0)
    return float((local * of_mated).sum())


def linkages(population: Population, known: tuple[int, ...], seed: int) -> list[Linkage]:
    """Across two keys by agreement, by what `known` linked persons teach, sealed; and within one key, to compare.

    The first `max(known)` persons teach; the others, of whom two views are taken, are to be linked.
    """
    one, other = (Keyed(secret) for secret in random_secrets(seed, 2))
    taught = max(known)
    first = one.signs(population.embeddings[:, 0])
    second = other.signs(population.embeddings[:, 1])
    within = one.signs(population.embeddings[:, 1])
    found = [
        _linkage("one key: bits that agree", agreement(first[taught:], within[taught:])),
        _linkage("two keys: bits that agree", agreement(first[taught:], second[taught:])),
    ]
    for count in known:
        map_ = _learned(first[:count], second[:count])
        linked = np.sign(first[taught:] @ map_) @ second[taught:].T
        found.append(_linkage(f"two keys: learned from {count} linked persons", linked.astype(np.float64)))
    found.append(_linkage("two keys, sealed", agreement(_sealed(first[taught:], seed), _sealed(second[taught:], seed))))
    found.append(_linkage("one key, sealed", agreement(_sealed(first[taught:], seed), _sealed(within[taught:], seed))))
    return found


def _learned(first: Signs, second: Signs) -> Signs:
    """Ridge regression with as many equations as persons: W = A' (A A' + c I)^-1 B."""
    gram = first @ first.T + np.float32(RIDGE * first.shape[1] / 100) * np.eye(len(first), dtype=np.float32)
    return (first.T @ np.linalg.solve(gram, second)).astype(np.float32)


def _linkage(attack: str, compared: Float64) -> Linkage:
    mated = np.diag(compared)
    others = compared[~np.eye(len(compared), dtype=bool)]
    return Linkage(attack, d_sys(mated, others), d_sys(others[: len(mated)], others[len(mated) :]))


def _sealed(signs: Signs, seed: int) -> Signs:
    """The ciphertexts' bits: each string under its person's own data key, as it lies on the topic."""
    rng = np.random.default_rng((seed, 7))
    stated = Statement(
        key_id="tk", model_version="m", quality="0.80", consent="f", consent_basis="of_age", enrolled_at_ms="1"
    )
    texts = [seal(rng.bytes(32), np.packbits(row > 0).tobytes(), place=b"g/r/f", stated=stated) for row in signs]
    bits = np.unpackbits(np.frombuffer(b"".join(texts), np.uint8).reshape(len(texts), -1)[:, 13:], axis=1)
    return bits.astype(np.float32) * 2 - 1
