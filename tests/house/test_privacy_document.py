"""PRIVACY.md's table is that of the topics and rights, and what it says of times is what the code does."""

import math
import re
from pathlib import Path

import msgspec
import pytest
import typer

from models.vision.follow.settings import FollowSettings
from streams.cli.entry import app
from streams.engine.topics.bounds import duration
from streams.settings import Settings
from streams.wire.rights import Operation, Role, rights_of
from streams.wire.topics import MS_PER_DAY, RECOGNITIONS, SIGHTINGS, Topics, TopicSpec
from tests.house.disks import removed_within_ms

REPLACED = "until it is replaced"
NUMBERS = {8: "eight", 9: "nine", 10: "ten"}


@pytest.fixture(scope="module")
def document(root: Path) -> str:
    return (root / "PRIVACY.md").read_text("utf-8")


@pytest.fixture(scope="module")
def rows(document: str) -> list[list[str]]:
    """The data-flow table: topic, carries, personal data, who may read, kept, deleted."""
    part = document.split("\n## What is stored")[1].split("\n## ", maxsplit=1)[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("| ")
    ][1:]


def readers(spec: TopicSpec) -> str:
    return ", ".join(
        role
        for role in Role
        if any(right.name == spec.name and Operation.READ in right.operations for right in rights_of(role, Topics()))
    )


def kept(spec: TopicSpec) -> str:
    if spec.compacted:
        return REPLACED
    return f"{duration(int(spec.config['retention.ms']))}, off the disks within {duration(removed_within_ms(spec))}"


def test_it_says_in_days_when_results_are_off_the_disks(document: str) -> None:
    spoken = " ".join(document.split())
    for short in (RECOGNITIONS, SIGHTINGS):
        days = math.ceil(removed_within_ms(Topics().spec(short)) / MS_PER_DAY)
        assert f"Results are kept for 7 days and are off the brokers' disks within {days}" in spoken
        assert f"the results of the last seven to {NUMBERS[days]} days" in spoken


def test_every_topic_stands_in_it_with_what_it_carries_who_reads_it_and_how_long_it_is_kept(
    rows: list[list[str]],
) -> None:
    found = [(topic, carries, who, time) for topic, carries, _, who, time, _ in rows]
    assert found == [(spec.short, spec.value, readers(spec), kept(spec)) for spec in Topics()]


def test_pictures_are_said_to_be_where_they_are_and_nowhere_else(rows: list[list[str]]) -> None:
    assert {topic for topic, _, personal, *_ in rows if "picture" in personal} == {
        spec.short for spec in Topics() if spec.carries_pictures
    }


def test_every_topic_says_how_it_is_emptied(rows: list[list[str]]) -> None:
    assert all(deleted for *_, deleted in rows)
    by_time = {topic for topic, *_, deleted in rows if "by time" in deleted}
    assert by_time == {spec.short for spec in Topics() if not spec.compacted}


def test_how_long_a_stranger_is_remembered_is_what_the_follower_does(document: str) -> None:
    assert f"up to {FollowSettings().max_gap_ms // 1000} seconds after" in " ".join(document.split())
    [idle_s] = [field.default for field in msgspec.structs.fields(Settings) if field.name == "camera_idle_s"]
    assert f"after {idle_s / 60:g} minutes at the latest" in " ".join(document.split())


def test_its_settings_commands_and_paths_exist(document: str, root: Path) -> None:
    settings = {name.upper() for name in Settings.__struct_fields__}
    assert set(re.findall(r"`([A-Z][A-Z_]+)`", document)) <= settings
    commands = set(re.findall(r"`facestreams (\w+)", document))
    assert commands
    assert commands <= set(typer.main.get_group(app).commands)
    named = set(re.findall(r"\b([A-Z]+\.md)\b", document))
    assert [name for name in named if not (root / name).exists()] == []
