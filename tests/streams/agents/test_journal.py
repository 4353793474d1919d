"""What a request's input is reduced to before it is logged."""

import cv2
import numpy as np
import pytest

from streams.agents.journal import MAX_HEADER_NAMES, _summary
from streams.engine.request import Request


def request(value: bytes | None, headers=()) -> Request:
    return Request("frames", 0, 0, 0, b"lobby", value, headers, 1)


@pytest.mark.parametrize(
    ("suffix", "media_type"), [(".jpg", "image/jpeg"), (".png", "image/png"), (".webp", "image/webp")]
)
def test_a_picture_becomes_its_size_type_and_dimensions(suffix: str, media_type: str) -> None:
    encoded = cv2.imencode(suffix, np.zeros((30, 50, 3), np.uint8))[1].tobytes()
    summary = _summary(request(encoded))
    assert (summary.value_bytes, summary.media_type, summary.width_px, summary.height_px) == (
        len(encoded),
        media_type,
        50,
        30,
    )


@pytest.mark.parametrize("value", [None, b"", b"hello", b"\xff\xd8\xff\xe0"])
def test_what_is_no_picture_has_a_size_alone(value: bytes | None) -> None:
    summary = _summary(request(value))
    assert (summary.value_bytes, summary.media_type, summary.width_px) == (len(value or b""), None, None)


def test_headers_are_named_without_their_values_and_bounded() -> None:
    headers = tuple((f"n{number}" + "x" * 100, b"secret") for number in range(100))
    summary = _summary(request(b"", headers))
    assert len(summary.headers) == MAX_HEADER_NAMES
    assert max(map(len, summary.headers)) == 64
    assert "secret" not in str(summary)
