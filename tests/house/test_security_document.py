"""SECURITY.md's tables are those of the code, and what it shows can be run."""

import re
import shlex
from pathlib import Path

import pytest

from streams.settings import Settings
from streams.wire.rights import PURPOSE, Role, rights_of
from streams.wire.topics import Topics

PREFIX = Topics().name("")


@pytest.fixture(scope="module")
def document(root: Path) -> str:
    return (root / "SECURITY.md").read_text("utf-8")


def rows(document: str, heading: str) -> list[str]:
    part = document.split(f"\n## {heading}\n")[1].split("\n## ", maxsplit=1)[0]
    return [line for line in part.splitlines() if line.startswith("| ")][1:]


def test_every_role_stands_in_it_with_its_purpose(document: str) -> None:
    assert rows(document, "Roles") == [f"| {role} | {PURPOSE[role]} |" for role in Role]


def test_every_right_stands_in_it(document: str) -> None:
    wanted = []
    for role in Role:
        alike: dict[tuple[str, str], list[str]] = {}
        for right in rights_of(role, Topics()):
            operations = ", ".join(operation.word for operation in right.operations)
            name = re.sub(r"\.\d+$", ".<partition>", right.name.removeprefix(PREFIX))
            names = alike.setdefault((right.resource, operations), [])
            names += [name] if name not in names else []
        wanted += [
            f"| {role} | {resource} | {', '.join(names)} | {operations} |"
            for (resource, operations), names in alike.items()
        ]
    assert rows(document, "Rights") == wanted


def test_its_settings_are_settings(document: str) -> None:
    named = set(re.findall(r"FACESTREAMS_([A-Z_]+)=", document))
    assert named
    assert named <= {name.upper() for name in Settings.__struct_fields__}
    for block in re.findall(r"```sh\n(.*?)```", document, re.DOTALL):
        assert shlex.split(block, comments=True)


def test_every_path_in_it_exists(document: str, root: Path) -> None:
    named = set(re.findall(r"`((?:streams|tests)/[\w./-]+)`", document))
    assert named
    assert [path for path in sorted(named) if not (root / path).exists()] == []
