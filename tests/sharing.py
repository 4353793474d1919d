"""How `pytest -n` shares the tests out: a file's stay together, since they share what they start."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

APART = "tests/kafka/test_faults.py"
"""Of this file each test goes by itself: it takes half a minute, and most have brokers of their own."""

LONGEST = (
    APART,
    "tests/kafka/test_policy.py",
    "tests/streams/pipeline/test_gallery.py",
    "tests/streams/pipeline/test_deletion.py",
    "tests/kafka/test_load.py",
    "tests/kafka/test_security.py",
)
"""What begins last would be waited for by all others: these begin first."""


class Sharing(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return nodeid if file == APART else file


def longest_first(items: list[pytest.Item]) -> None:
    """The order within the longest and among all others stays as it is."""
    rank = {file: place for place, file in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.nodeid.partition("::")[0], len(rank)))


def scheduler(config: pytest.Config, log: Any) -> Sharing:
    config.option.loadscopereorder = False  # by number of tests: the longest have the fewest
    return Sharing(config, log)
