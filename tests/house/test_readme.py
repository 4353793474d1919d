"""The README's tables are those of the code, its JSON is a record, its paths exist."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from streams.engine.topics.bounds import bounds, in_words
from streams.engine.topics.found import FoundTopic, Housekeeping
from streams.logs.billed import BILLED
from streams.settings import Settings
from streams.settings.words import rows
from streams.wire.codes import MEANING
from streams.wire.records import Recognition
from streams.wire.topics import Topics
from tests.house.containers import compose


@pytest.fixture(scope="module")
def readme(root: Path) -> str:
    return (root / "README.md").read_text()


def test_every_setting_stands_in_it_as_the_code_has_it(readme: str) -> None:
    wanted = [
        f"| {row.name.upper()} | {f'`{row.default}`' if row.default else ''} | {row.expected} | {row.description} |"
        for row in rows(Settings)
    ]
    table = readme.split("## Settings")[1].split("\n## ", maxsplit=1)[0].splitlines()
    assert [line for line in table if line.startswith("| ")][1:] == wanted


def test_every_return_code_stands_in_it_with_its_meaning_and_whether_it_is_billed(readme: str) -> None:
    wanted = [f"| {code} | {meaning} | {BILLED[code]} |" for code, meaning in MEANING.items()]
    table = readme.split("### Return codes")[1].split("\n## ", maxsplit=1)[0].splitlines()
    assert [line for line in table if line.startswith("| ")][1:] == wanted


def test_every_topic_stands_in_it_and_no_other(readme: str) -> None:
    table = readme.split("## Topics")[1].split("\n### ", maxsplit=1)[0].splitlines()
    named = [line.split("|")[1].strip() for line in table if line.startswith("| ")][1:]
    assert sorted(named) == sorted(spec.short for spec in Topics())


def test_it_says_how_long_a_thing_is_on_the_disks_as_the_code_computes_it(readme: str) -> None:
    compose_ms = {
        name.removeprefix("KAFKA_"): int(value)
        for name, value in compose()["services"]["kafka"]["environment"].items()
        if name.endswith("_MS")
    }
    as_composed = Housekeeping(compose_ms["LOG_RETENTION_CHECK_INTERVAL_MS"], compose_ms["LOG_CLEANER_BACKOFF_MS"])
    defaults = limits(Housekeeping(), delete_delay_ms=60_000)
    composed = limits(as_composed, delete_delay_ms=compose_ms["LOG_SEGMENT_DELETE_DELAY_MS"])
    table = readme.split("### How long on the disks")[1].split("\n## ", maxsplit=1)[0].splitlines()
    said = [[cell.strip() for cell in line.split("|")[2:4]] for line in table if line.startswith("| ")][1:]
    wanted = [
        ("camera-frames", 1),
        ("gallery-commands", 1),
        ("camera-frames", 0),
        ("gallery-commands", 0),
        ("recognitions", 0),
        ("gallery-events", 0),
        ("face-features", 0),
        ("face-features", 1),
        ("running-log", 0),
        ("error-log", 0),
    ]
    assert said == [[defaults[short][number], composed[short][number]] for short, number in wanted]
    assert defaults["sightings"] == defaults["recognitions"]


def limits(brokers: Housekeeping, *, delete_delay_ms: int) -> dict[str, list[str]]:
    """In words, of each topic as it is created on these brokers."""
    others = {
        "message.timestamp.type": "CreateTime",
        "message.timestamp.after.max.ms": "3600000",
        "delete.retention.ms": "86400000",
        "file.delete.delay.ms": str(delete_delay_ms),
    }
    found = {}
    for spec in Topics():
        settings = spec.settings(1)
        topic = FoundTopic(spec.name, spec.partitions, 1, others | settings, settings)
        found[spec.short] = [in_words(each.at_most or 0, each.unit) for each in bounds(spec, topic, brokers)]
    return found


def test_its_recognition_is_one(readme: str) -> None:
    [example] = re.findall(r"```json\n(.*?)```", readme, re.DOTALL)
    record = msgspec.convert(json.loads(example), Recognition, strict=True)
    assert json.loads(msgspec.json.encode(record)) == json.loads(example)


def test_every_make_target_stands_in_it_and_no_other(readme: str, root: Path) -> None:
    named = {inline or block for inline, block in re.findall(r"`make ([a-z-]+)|^make ([a-z-]+)$", readme, re.MULTILINE)}
    [targets] = re.findall(r"^\.PHONY: (.*)$", (root / "Makefile").read_text(), re.MULTILINE)
    assert sorted(named) == sorted(targets.split())


def test_every_path_in_it_exists(readme: str, root: Path) -> None:
    named = set(re.findall(r"`((?:streams|models|tests|dashboards)/[\w./-]+)`", readme))
    assert named
    assert [path for path in sorted(named) if not (root / path).exists()] == []
