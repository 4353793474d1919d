"""The README's tables are those of the code, its JSON is a record, its paths exist."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from streams.settings import Settings
from streams.settings.words import rows
from streams.wire.codes import MEANING
from streams.wire.records import Recognition
from streams.wire.topics import Topics


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


def test_every_return_code_stands_in_it_with_its_meaning(readme: str) -> None:
    wanted = [f"| {code} | {meaning} |" for code, meaning in MEANING.items()]
    table = readme.split("### Return codes")[1].split("\n## ", maxsplit=1)[0].splitlines()
    assert [line for line in table if line.startswith("| ")][1:] == wanted


def test_every_topic_stands_in_it_and_no_other(readme: str) -> None:
    table = readme.split("## Topics")[1].split("\n## ", maxsplit=1)[0].splitlines()
    named = [line.split("|")[1].strip() for line in table if line.startswith("| ")][1:]
    assert sorted(named) == sorted(spec.short for spec in Topics())


def test_its_recognition_is_one(readme: str) -> None:
    [example] = re.findall(r"```json\n(.*?)```", readme, re.DOTALL)
    record = msgspec.convert(json.loads(example), Recognition, strict=True)
    assert json.loads(msgspec.json.encode(record)) == json.loads(example)


def test_every_path_in_it_exists(readme: str, root: Path) -> None:
    named = set(re.findall(r"`((?:streams|models|tests|dashboards)/[\w./-]+)`", readme))
    assert named
    assert [path for path in sorted(named) if not (root / path).exists()] == []
