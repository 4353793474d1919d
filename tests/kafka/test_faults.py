"""The short form of each scenario of `make faults`."""

import pytest

from tests.kafka.broker import Kafka
from tests.kafka.faults.catalogue import SCENARIOS
from tests.kafka.faults.of_workers import nothing
from tests.kafka.faults.scenario import Scenario, run

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]

FRAMES_PER_S = 4.0


@pytest.mark.parametrize(
    "scenario",
    [each for each in SCENARIOS if each.fault is not nothing],
    ids=lambda scenario: scenario.name.replace(" ", "-"),
)
async def test_nothing_is_lost_and_nothing_is_out_of_order(scenario: Scenario, request, tmp_path) -> None:
    if scenario.ground is Kafka:
        row = await run(scenario, request.getfixturevalue("kafka"), short=True, frames_per_s=FRAMES_PER_S)
    else:
        with scenario.ground(tmp_path) as kafka:
            row = await run(scenario, kafka, short=True, frames_per_s=FRAMES_PER_S)
    assert row.broken == [], row
