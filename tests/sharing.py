"""How two processes share the tests: by files, whose tests share what they start, and the longest first."""

import pytest

LONGEST = (
    "tests/kafka/test_faults.py",
    "tests/kafka/test_policy.py",
    "tests/streams/pipeline/test_gallery.py",
    "tests/streams/pipeline/test_deletion.py",
    "tests/kafka/test_load.py",
    "tests/kafka/test_security.py",
)
"""The first takes as long as a third of all others: begun last, it would be waited for."""


def longest_first(items: list[pytest.Item]) -> None:
    """The order within each of them and among all others stays as it is."""
    rank = {file: place for place, file in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.nodeid.partition("::")[0], len(rank)))
