"""The schema files and the records agree."""

import json

import jsonschema_rs
import pytest

from streams.wire.records import RECORDS, encode
from streams.wire.schemas import DIRECTORY, file_name, files, schema, write


def validator(record_type):
    return jsonschema_rs.Draft202012Validator(json.loads((DIRECTORY / file_name(record_type)).read_text("utf-8")))


def test_the_files_are_what_the_records_say():
    found = {path.name: path.read_text("utf-8") for path in DIRECTORY.glob("*.json")}
    assert found == dict(files()), "run: make schemas"


def test_every_record_has_a_file_of_its_own():
    assert len(files()) == len(RECORDS)
    assert file_name(RECORDS[3]) == "running-log-entry.json"


def test_the_files_are_draft_2020_12():
    for text in files().values():
        jsonschema_rs.meta.validate(json.loads(text))
        assert json.loads(text)["$schema"].endswith("draft/2020-12/schema")


def test_what_we_encode_is_valid(example):
    validator(type(example)).validate(json.loads(encode(example)))


def test_a_field_that_readers_do_not_know_is_valid(example):
    assert validator(type(example)).is_valid(json.loads(encode(example)) | {"added_later": 1})


def test_a_record_without_one_of_its_fields_is_not(example):
    whole = json.loads(encode(example))
    required = schema(type(example))["$defs"][type(example).__name__]["required"]
    assert required
    for name in required:
        without = {field: value for field, value in whole.items() if field != name}
        assert not validator(type(example)).is_valid(without), name


def test_a_field_of_another_type_is_not(example):
    whole = json.loads(encode(example))
    for name in whole:
        assert not validator(type(example)).is_valid(whole | {name: {"an": "object"}}), name


def test_schema_and_decoder_agree_on_numbers_out_of_range(examples):
    altered = json.loads(encode(examples[0]))
    altered["faces"][0]["box"]["left"] = 1.01
    assert not validator(type(examples[0])).is_valid(altered)


def test_a_docstring_reads_the_same_in_every_version_of_python():
    for text in files().values():
        for part in json.loads(text)["$defs"].values():
            assert "\n  " not in part["description"]


def test_writing_replaces_what_differs_and_removes_what_is_no_record(tmp_path):
    (tmp_path / "gone.json").write_text("{}")
    (tmp_path / "epoch.json").write_text("{}")
    (tmp_path / "notes.txt").write_text("stay")
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(files()) | {"notes.txt"}
    assert json.loads((tmp_path / "epoch.json").read_text())["$id"] == "epoch.json"


@pytest.mark.parametrize("record_type", RECORDS, ids=lambda kind: kind.__name__)
def test_no_schema_names_a_host_as_its_own(record_type):
    assert "://" not in schema(record_type)["$id"]
