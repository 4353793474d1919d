import pytest

from models.errors import SealError
from models.gallery.statement import Statement

TEXTS = {
    "key_id": "tk-1a2b3c4d",
    "model_version": "sface-2021dec",
    "quality": "0.81",
    "consent": "form-7",
    "consent_basis": "of_age",
    "enrolled_at_ms": "1700000000000",
}


def test_it_is_read_as_it_is_written_whatever_else_stands_there() -> None:
    stated = Statement.read({"traceparent": "00", **dict(reversed(TEXTS.items()))})
    assert list(stated.texts().items()) == list(TEXTS.items())


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_absent_is_not_the_same_as_empty(name: str) -> None:
    with pytest.raises(SealError, match=f"not stated: {name}"):
        Statement.read({each: text for each, text in TEXTS.items() if each != name})
    assert Statement.read(TEXTS | {name: ""}).texts()[name] == ""
