"""A topic's settings of time and size as they are in effect: numbers, and Kafka's ways to say never."""

from typing import Final

from streams.engine.topics.admin import AdminError
from streams.engine.topics.found import FoundTopic

UNSET: Final = 2**63 - 1
"""Kafka's word for a time that never comes."""


def number_of(found: FoundTopic, setting: str) -> int:
    """A setting of this topic. Raises AdminError where the broker does not tell it."""
    try:
        return int(found.config[setting])
    except KeyError:
        raise AdminError(f"the broker does not tell {setting} of {found.name}; Apache Kafka 4 does") from None


def closable_after_ms(found: FoundTopic) -> int:
    """Of a compacted topic: how old a segment's first record must be for an append to close it. Raises AdminError."""
    return min(number_of(found, "max.compaction.lag.ms"), number_of(found, "segment.ms"))


def policy_without(needed: str, found: FoundTopic) -> str:
    """Why the topic's cleanup.policy removes nothing; empty if it does."""
    policy = found.config["cleanup.policy"]
    return "" if needed in policy else f"cleanup.policy is {policy}"


def never(setting: str, number: int) -> str:
    """That the setting says never; empty if it gives a number."""
    if number == UNSET:
        return f"{setting} is not set"
    return f"{setting} is {number}" if number < 0 else ""
