"""Topics in words and columns for people, and as JSON for programs."""

from collections.abc import Iterator
from typing import Any

import msgspec

from streams.engine.topics.bounds import Bound, duration, in_words
from streams.engine.topics.found import FoundTopic
from streams.engine.topics.inspection import InspectedTopic, Inspection
from streams.engine.topics.promises import Difference, Promise

Row = tuple[str, str, str]
"""A setting, what is wanted and what is found."""


def difference_lines(inspection: Inspection, *, as_json: bool) -> Iterator[str]:
    """One line a difference, and one a limit that is not kept; what breaks a promise first."""
    if not as_json:
        yield from inspection.broken
        yield from (f"{remark} (only differs)" for remark in inspection.remarks)
        return
    for difference in inspection.differences:
        yield _json(_difference(difference))
    for bound in inspection.bounds:
        if bound.broken:
            yield _json(_bound(bound))


def topic_lines(inspection: Inspection, *, replication: int, as_json: bool) -> Iterator[str]:
    """All topics, whatever they are like; as JSON one object a topic."""
    for topic in inspection.topics:
        if as_json:
            yield _json(_topic(topic, replication))
        else:
            yield from (*_table(topic, replication), "")


def _table(topic: InspectedTopic, replication: int) -> Iterator[str]:
    yield f"{topic.spec.name}: {topic.spec.value}; key: {topic.spec.key}"
    if topic.found is None:
        yield f"  does not exist (breaks the promise: {Promise.PRESENT})"
        return
    differences = {difference.setting: difference for difference in topic.differences}
    rows = [("", "wanted", "found"), *_rows(topic, topic.found, replication)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield f"  {'  '.join(cells)}  {_verdict(differences.get(row[0]))}".rstrip()
    for bound in topic.bounds:
        broken = f" (breaks the promise: {bound.promise})" if bound.broken else ""
        yield f"  {bound.statement}{broken}"
        yield f"    from {', '.join(_input(name, *counted) for name, counted in bound.inputs.items())}"


def _rows(topic: InspectedTopic, found: FoundTopic, replication: int) -> Iterator[Row]:
    """The shape, then the settings that are declared, then others that differ."""
    yield "partitions", str(topic.spec.partitions), str(found.partitions)
    yield "copies", str(replication), str(found.copies)
    declared = topic.spec.settings(replication) if found.config else {}
    for setting, wanted in declared.items():
        yield setting, _value(setting, wanted), _value(setting, found.config.get(setting, ""))
    for difference in topic.differences:
        if difference.setting not in ("partitions", "copies", *declared):
            yield difference.setting, difference.wanted, difference.found


def _verdict(difference: Difference | None) -> str:
    if difference is None:
        return ""
    return "differs" if difference.promise is None else f"breaks the promise: {difference.promise}"


def _value(setting: str, value: str) -> str:
    """A time with what it is in words."""
    return f"{value} ({duration(int(value))})" if setting.endswith(".ms") and value.isdecimal() else value


def _input(setting: str, number: int, times: int) -> str:
    value = duration(number) if setting.endswith(".ms") and number >= 0 else str(number)
    return f"{setting} {value}" + (f" x {times}" if times > 1 else "")


def _topic(topic: InspectedTopic, replication: int) -> dict[str, Any]:
    found = topic.found
    return {
        "topic": topic.spec.name,
        "wanted": {
            "partitions": topic.spec.partitions,
            "copies": replication,
            "settings": topic.spec.settings(replication),
        },
        "found": found and {"partitions": found.partitions, "copies": found.copies, "settings": found.config},
        "differences": [_difference(each) for each in topic.differences],
        "bounds": [_bound(each) for each in topic.bounds],
    }


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "topic": difference.topic,
        "setting": difference.setting,
        "wanted": difference.wanted,
        "found": difference.found,
        "promise": difference.promise,
        "sentence": difference.sentence,
    }


def _bound(bound: Bound) -> dict[str, Any]:
    """promise: null where it is kept, as with a difference."""
    return {
        "topic": bound.topic,
        "subject": bound.subject,
        "unit": bound.unit,
        "at_most": bound.at_most,
        "in_words": None if bound.at_most is None else in_words(bound.at_most, bound.unit),
        "condition": bound.condition,
        "promised": bound.promised,
        "promise": bound.promise if bound.broken else None,
        "inputs": {name: {"value": value, "times": times} for name, (value, times) in bound.inputs.items()},
        "sentence": bound.sentence,
    }


def _json(what: dict[str, Any]) -> str:
    return msgspec.json.encode(what).decode()
