import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from models import packs
from models.gallery.keys import KeyDirectory
from streams.cli.enroll_again import show_whom_to_enroll_again
from streams.edge.persons import Person, StoredFeature
from streams.settings import from_process

ADA, BEN, STRANGE = "0a" * 16, "0b" * 16, "0c" * 16


@pytest.fixture
def keys(tmp_path: Path) -> KeyDirectory:
    return KeyDirectory.create(tmp_path / "keys")


@pytest.fixture
def persons(keys: KeyDirectory, monkeypatch: pytest.MonkeyPatch) -> list[Person]:
    """Ada can be matched, ben cannot, and of the stranger nobody can tell the name."""
    monkeypatch.setattr(packs, "load_pack", lambda *_: SimpleNamespace(model_version="sface"))
    key_id = keys.template_key.id
    return [
        Person("default", ADA, "ada", (feature(key_id, "sface"),)),
        Person("default", BEN, "ben", (feature(key_id, "sface"), feature("tk-0", "older"))),
        Person("pupils", STRANGE, None, (feature(key_id, "sface"),)),
    ]


def feature(key_id: str, model: str) -> StoredFeature:
    return StoredFeature("f", True, key_id, model, 0.9, "form 7", "of_age", 1)


def test_only_those_who_cannot_be_matched_are_named(keys, persons, capsys) -> None:
    show_whom_to_enroll_again(from_process({}), keys, persons, as_json=False)

    out, err = capsys.readouterr()
    ben, stranger = out.splitlines()
    assert ben == (
        "default/ben: made with template key tk-0, which is not in the key directory; "
        "made by model older, and sface is in use"
    )
    assert stranger.startswith(f"pupils/{STRANGE} (its name cannot be read): its key record is missing")
    assert err == "2 of 3 to be enrolled again\n"


def test_as_json_one_object_a_person(keys, persons, capsys) -> None:
    show_whom_to_enroll_again(from_process({}), keys, persons, as_json=True)

    ben, stranger = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (ben["gallery"], ben["reference"], ben["person_id"]) == ("default", BEN, "ben")
    assert len(ben["reasons"]) == 2
    assert stranger["person_id"] is None


def test_nobody_is_to_be_enrolled_again_where_all_can_be_matched(keys, persons, capsys) -> None:
    show_whom_to_enroll_again(from_process({}), keys, persons[:1], as_json=False)
    assert capsys.readouterr() == ("", "0 of 1 to be enrolled again\n")
