"""The return codes."""

import re
from pathlib import Path

from models.errors import PictureCode
from models.types import EnrollmentReason
from streams.wire.codes import MEANING, Code


def test_every_code_has_a_meaning_of_its_own() -> None:
    assert set(MEANING) == set(Code)
    assert len(set(MEANING.values())) == len(Code)


def test_a_code_is_one_word_that_can_be_a_label() -> None:
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in Code)


def test_whatever_is_wrong_with_a_picture_has_a_code() -> None:
    assert {code.value for code in PictureCode} <= {code.value for code in Code}


def test_whatever_keeps_a_picture_from_enrolling_has_a_code() -> None:
    assert {reason.value for reason in EnrollmentReason} <= {code.value for code in Code}


def test_every_code_is_provoked_by_a_test_of_a_worker_or_of_an_agent() -> None:
    folders = [Path(__file__).parents[1] / name for name in ("pipeline", "agents")]
    tests = "\n".join(file.read_text() for folder in folders for file in folder.rglob("test_*.py"))
    assert [code for code in Code if f'"{code}"' not in tests and f"Code.{code.name}" not in tests] == []
