"""Whether the picture of a failed request could have been decoded."""

from threading import Event

import pytest

from models.errors import PictureCode, PictureError
from streams.agents.decoding import decodes
from streams.agents.pool import Pool


class Checks:
    """Checks nothing but raises what it is given, or waits for it."""

    def __init__(self, outcome: Exception | Event | None = None) -> None:
        self._outcome = outcome
        self.checked: list[bytes] = []

    def check(self, encoded: bytes) -> None:
        self.checked.append(encoded)
        if isinstance(self._outcome, Event):
            self._outcome.wait()
        elif self._outcome is not None:
            raise self._outcome


@pytest.mark.parametrize("picture", [b"picture", b"", None])
async def test_what_the_decoder_takes_is_decoded(pool: Pool, picture: bytes | None) -> None:
    recognizer = Checks()
    assert await decodes(recognizer, picture, pool)
    assert recognizer.checked == [picture or b""]


async def test_what_the_decoder_refuses_is_not(pool: Pool) -> None:
    assert not await decodes(Checks(PictureError(PictureCode.TRUNCATED, "too short")), b"picture", pool)


@pytest.mark.parametrize("outcome", [ZeroDivisionError(), MemoryError()])
async def test_what_the_machine_fails_on_says_nothing_of_the_picture(pool: Pool, outcome: Exception) -> None:
    assert await decodes(Checks(outcome), b"picture", pool)


async def test_nor_does_that_on_which_it_does_not_end() -> None:
    released = Event()
    pool = Pool(2, timeout_s=0.05, fatal=lambda error: pytest.fail(repr(error)))
    assert await decodes(Checks(released), b"picture", pool)
    released.set()
    pool.close()
