"""The README's tables are those of the code, its JSON is a record, its paths exist."""

import json
import re
import shlex
from pathlib import Path

import msgspec
import pytest

from streams.engine.topics.bounds import Bound, duration, in_words
from streams.logs.billed import BILLED
from streams.settings import Settings
from streams.settings.accounts import Accounts, check_users_apart
from streams.settings.words import rows
from streams.wire.codes import MEANING
from streams.wire.records import Recognition
from streams.wire.topics import Topics
from tests.house import disks


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
    defaults, composed = disks.by_default(), disks.as_composed()
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
    assert said == [[words(each[short][number]) for each in (defaults, composed)] for short, number in wanted]
    assert words(defaults["sightings"][0]) == words(defaults["recognitions"][0])


def words(bound: Bound) -> str:
    return in_words(bound.at_most or 0, bound.unit)


def test_the_second_bound_of_a_deletion_is_what_expiry_takes(readme: str) -> None:
    spoken = " ".join(readme.split("**Second bound**")[1].split("**The receipt**", maxsplit=1)[0].split())
    [row] = re.findall(r"^\| 4\. .*$", readme, re.MULTILINE)
    for short in ("recognitions", "gallery-events"):
        within = duration(disks.removed_within_ms(Topics().spec(short)))
        assert f"off the disks within {within}." in spoken, short
        assert re.search(rf"{within} for [a-z ]*{short}", row), short


def test_its_accounts_file_is_one_with_what_it_exports(readme: str, tmp_path: Path) -> None:
    part = readme.split("\n## Several accounts\n")[1].split("\n## ", maxsplit=1)[0]
    [toml] = re.findall(r"```toml\n(.*?)```", part, re.DOTALL)
    [commands] = re.findall(r"```sh\n(.*?)```", part, re.DOTALL)
    path = tmp_path / "accounts.toml"
    path.write_text(toml)
    exported = dict(
        word.split("=", 1)
        for line in commands.splitlines()
        if line.startswith("export ")
        for word in shlex.split(line, comments=True)[1:]
    )
    accounts = Accounts.read(path).every(exported, {})
    assert exported["FACESTREAMS_ACCOUNTS_FILE"] == path.name
    assert [(each.account, each.sasl_username) for each in accounts] == [("acme", "acme-worker"), ("zoo", "zoo-worker")]
    check_users_apart(accounts)


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
