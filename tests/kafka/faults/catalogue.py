"""All scenarios, in the order of the table."""

from typing import Final

from tests.kafka.faults import of_brokers, of_workers
from tests.kafka.faults.scenario import Scenario

SCENARIOS: Final[tuple[Scenario, ...]] = of_workers.SCENARIOS + of_brokers.SCENARIOS
