from dataclasses import replace
from pathlib import Path

import pytest

from streams.audit.checks import error_log
from streams.audit.checks.error_log import ErrorLog
from streams.audit.files import Files
from streams.audit.finding import Finding
from streams.audit.reading import Seen
from streams.wire.records import ErrorLogEntry, InputSummary
from streams.wire.topics import ERROR_LOG
from tests.streams.audit.made import NOW_MS, TOPICS, concluded, facts, gallery, inspection, key_record, shown


def failure(**fields) -> Seen:
    given = {
        "event_id": None,
        "request_interface": "recognize",
        "account": "main",
        "app_id": "77",
        "uin": None,
        "sub_uin": None,
        "region": "eu",
        "camera_id": "lobby",
        "person": None,
        "logged_at_ms": NOW_MS,
        "upstream": "camera-frames read",
        "downstream": "nothing published",
        "return_code": "truncated_picture",
        "detail": "JPEG ends early",
        "input": InputSummary(value_bytes=9, media_type=None, width_px=None, height_px=None, headers=["uin"]),
        "output": "refused",
        "algorithm_output": None,
    }
    return shown(ERROR_LOG, ErrorLogEntry(**(given | fields)))


def audited(keys, *stream: Seen, person_id: str = "ada.lovelace", **said) -> Finding:
    standing = gallery(keys, key_record(keys, person_id)[0])
    directories = said.pop("directories", ())
    return concluded(ErrorLog(facts(keys, **said), standing, Files(TOPICS, directories)), *stream)


def test_a_ceiling_below_two_gigabytes_and_entries_without_a_name_are_held(keys) -> None:
    finding = audited(keys, failure())
    assert finding.verdict == "held"
    assert finding.evidence[0] == "the size of a copy of the error log is at most 1.76 GB"
    assert finding.evidence[-1] == (
        "texts searched for the ids of 1 persons who are enrolled now, and were by then, camera, uin, sub_uin, person"
        " and parameters compared as wholes; 0 ids are numbers, or so short, that they were compared as wholes alone"
    )


def test_a_higher_ceiling_is_broken(keys) -> None:
    assert audited(keys, inspection=inspection(error_log={"retention.bytes": "3000000000"})).verdict == "broken"


@pytest.mark.parametrize(
    "fields",
    [
        {"detail": "ada.lovelace has no face"},
        {"person": "ada.lovelace"},
        {"algorithm_output": "best: ada.lovelace"},
        {"output": "ada.lovelace"},
        {"camera_id": "ada.lovelace"},
        {"uin": "ada.lovelace"},
        {"sub_uin": "ada.lovelace"},
        {
            "input": InputSummary(
                value_bytes=9, media_type=None, width_px=None, height_px=None, headers=["ada.lovelace"]
            )
        },
        {
            "input": InputSummary(
                value_bytes=9,
                media_type=None,
                width_px=None,
                height_px=None,
                headers=["gallery"],
                parameters={"gallery": "ada.lovelace"},
            )
        },
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_an_entry_that_names_a_person_is_broken(keys, fields) -> None:
    assert audited(keys, failure(**fields)).verdict == "broken"


def test_what_was_found_is_not_denied_by_what_was_searched(keys) -> None:
    finding = audited(keys, failure(detail="ada.lovelace has no face"))
    assert finding.verdict == "broken"
    assert not [text for text in finding.evidence if "none" in text.split()]


def test_a_short_id_in_a_text_is_no_name(keys) -> None:
    assert audited(keys, failure(detail="JPEG ends early at 7"), person_id="7").verdict == "held"
    assert audited(keys, failure(person="7"), person_id="7").verdict == "broken"


def test_a_number_that_a_worker_writes_is_no_name(keys) -> None:
    pixels = failure(return_code="several_faces", detail="2 faces in a picture of 1920 x 1080 pixels")
    finding = audited(keys, pixels, person_id="1080")
    assert (finding.verdict, "1 ids are numbers" in finding.evidence[-1]) == ("held", True)
    assert audited(keys, failure(uin="1080"), person_id="1080").verdict == "broken"


@pytest.mark.parametrize(
    ("before_ms", "verdict"), [(60_000, "broken"), (60_001, "held")], ids=["enrolled by then", "enrolled later"]
)
def test_an_entry_of_before_somebody_was_enrolled_names_nobody(keys, before_ms: int, verdict: str) -> None:
    finding = audited(keys, failure(uin="ada", logged_at_ms=NOW_MS - before_ms), person_id="ada")
    assert finding.verdict == verdict


def test_who_stands_under_two_references_counts_from_the_first(keys) -> None:
    first = key_record(keys, "ada", reference="f" * 32)[0]
    last = replace(key_record(keys, "ada")[0], headers={"requested_at_ms": str(NOW_MS)})
    for order in ((first, last), (last, first)):
        check = ErrorLog(facts(keys), gallery(keys, *order), Files(TOPICS, ()))
        assert concluded(check, failure(uin="ada", logged_at_ms=NOW_MS - 1)).verdict == "broken"


def test_a_record_of_another_form_is_broken(keys) -> None:
    assert audited(keys, shown(ERROR_LOG, b"{}")).verdict == "broken"


def test_files_above_the_ceiling_are_broken(keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    partition = tmp_path / f"{TOPICS.name(ERROR_LOG)}-0"
    partition.mkdir()
    (partition / "0.log").write_bytes(b"x" * 100_000)
    with (partition / "0.index").open("wb") as file:
        file.truncate(1_000_000_000)  # a hole takes no room
    assert audited(keys, failure(), directories=(tmp_path,)).verdict == "held"
    monkeypatch.setattr(error_log, "ERROR_LOG_CEILING_BYTES", 99_999)
    assert audited(keys, failure(), directories=(tmp_path,)).verdict == "broken"


def test_without_settings_the_ceiling_is_not_seen(keys) -> None:
    finding = audited(keys, failure(), inspection=None, why_no_inspection="no right")
    assert (finding.verdict, finding.unseen) == (
        "not_observable",
        ("the ceiling: no right", "its size on the disks: no files of the brokers were named"),
    )
