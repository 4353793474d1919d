"""The evaluation in short, with what must hold of it whatever the numbers come out as exactly."""

import numpy as np
import pytest

from models.gallery.keys import TemplateKey
from models.gallery.protect import Protector
from tests.benchmarks.templates.accuracy import Rates, accuracy, carried_over
from tests.benchmarks.templates.attacks import Reach, reach
from tests.benchmarks.templates.climbing import climbs, published, use
from tests.benchmarks.templates.population import Population, drawn, scores
from tests.benchmarks.templates.strings import Keyed
from tests.benchmarks.templates.structured import learned_flips
from tests.benchmarks.templates.unlinkability import d_sys, linkages

SEED = 3


@pytest.fixture(scope="module")
def people() -> Population:
    return drawn(150, 4, SEED)


@pytest.fixture(scope="module")
def reached() -> dict[tuple[str, int | None], Reach]:
    return {(each.attack, each.pairs): each for each in reach((10, 50, 200), 60, 0.57, SEED)}


def test_drawn_faces_are_as_far_apart_as_real_ones(people: Population) -> None:
    shape = people.embeddings.shape[:2]
    same, other = scores((people.views() @ people.views().T).reshape(*shape, *shape))
    assert (len(same), len(other)) == (150 * 6, 150 * 149 // 2 * 16)
    assert (same.mean(), same.std()) == pytest.approx((0.69, 0.13), abs=0.02)
    assert (other.mean(), other.std()) == pytest.approx((0.10, 0.11), abs=0.01)


def test_strings_are_those_that_are_stored() -> None:
    embedding = drawn(1, 1, SEED).views()[0]
    secret = bytes(range(32))
    [signs] = Keyed(secret).signs(embedding[np.newaxis])
    stored = Protector(TemplateKey("tk", secret)).protect(embedding.astype(np.float32))
    assert np.packbits(signs > 0).tobytes() == stored


def test_more_bits_lose_less_and_a_float_probe_loses_less_than_bits(people: Population) -> None:
    found = {(each.comparison, each.bits): each for each in accuracy(people, (256, 1024), SEED)}

    def at_a_thousandth(comparison: str, bits: int | None) -> float:
        return found[comparison, bits].true_match[1]

    floats = at_a_thousandth("float with float", None)
    assert at_a_thousandth("bits with bits", 256) < at_a_thousandth("bits with bits", 1024) < floats
    assert at_a_thousandth("bits with bits", 256) < at_a_thousandth("float with bits", 256)
    assert floats - at_a_thousandth("float with bits", 1024) < 0.02


def test_strings_that_are_carried_over_to_a_new_key_lose_little(people: Population) -> None:
    [*_, direct] = accuracy(people, (1024,), SEED)
    assert isinstance(carried_over(people, SEED), Rates)
    assert direct.true_match[1] - carried_over(people, SEED).true_match[1] < 0.02


def test_d_sys_is_0_of_one_distribution_and_1_of_two_that_are_apart() -> None:
    rng = np.random.default_rng(SEED)
    one, other = rng.normal(size=(2, 20_000))
    assert d_sys(one, other) < 0.03
    assert d_sys(one + 20, other) == pytest.approx(1.0)
    # half of the mated scores lie where no other does, and tell all; the other half lies where most others are
    assert d_sys(np.array([0.0, 1.0] * 5000), np.zeros(10_000)) == pytest.approx(0.5)


def test_across_keys_strings_do_not_tell_until_linked_persons_teach_it() -> None:
    found = {each.attack: each for each in linkages(drawn(1600, 2, SEED), (30, 100), SEED)}
    assert found["one key: bits that agree"].d_sys > 0.95
    assert found["two keys: bits that agree"].d_sys < 0.08
    taught = [found[f"two keys: learned from {count} linked persons"].d_sys for count in (30, 100)]
    assert 0.3 < taught[0] < taught[1]
    assert found["two keys, sealed"].d_sys < 0.08
    assert found["one key, sealed"].d_sys < 0.08


@pytest.mark.parametrize("attack", ["least squares", "by distances", "by rows"])
def test_an_attack_comes_nearer_with_each_known_pair(reached: dict[tuple[str, int | None], Reach], attack: str) -> None:
    cosines = [reached[attack, pairs].cosine for pairs in (10, 50, 200)]
    assert cosines == sorted(cosines)


def test_what_is_written_of_the_attacks_holds(reached: dict[tuple[str, int | None], Reach]) -> None:
    nothing = reached["strings alone, or nothing: the mean face", None]
    assert nothing.cosine == pytest.approx(0.32, abs=0.03)
    assert nothing.accepted == 0
    best = [max(each.cosine for each in reached.values() if each.pairs == pairs) for pairs in (10, 50, 200)]
    assert best == pytest.approx([0.47, 0.75, 0.91], abs=0.03)
    assert reached["by distances", 10].accepted < 0.2
    assert reached["by distances", 50].accepted > 0.95
    assert reached["strings and key, as we derive", None].cosine == pytest.approx(0.967, abs=0.003)
    assert reached["strings and key, all signs agreeing", None].cosine > 0.972


def test_hadamard_frames_fall_to_thirty_pairs() -> None:
    found = learned_flips(30, 3, SEED)
    assert found.agreement == 1.0


def test_rounding_is_to_the_nearest_step() -> None:
    assert published(np.array([0.444, 0.446, -0.006]), 0.01).tolist() == pytest.approx([0.44, 0.45, -0.01])
    assert published(np.array([0.444]), 0).tolist() == [0.444]


def test_no_step_keeps_out_who_chooses_his_probes() -> None:
    found = {(each.way, each.step): each.cosine for each in climbs((0, 0.01, 0.1), (300,), 20, SEED)}
    assert found["solving", 0] == pytest.approx(0.967, abs=0.003)
    assert found["solving", 0.1] > 0.9
    assert found["climbing", 0] > found["climbing", 0.01] > found["climbing", 0.1]


def test_a_hundredth_costs_a_reader_little(people: Population) -> None:
    found = {each.step: each for each in use(people, (0, 0.01, 0.05), SEED)}
    assert (found[0].false_match_rate, found[0].true_match_lost) == (0.001, 0)
    assert found[0.01].false_match_rate < 0.0015 < found[0.05].false_match_rate
    assert found[0.01].true_match_lost < 0.015
