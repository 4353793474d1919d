"""Whether a request that failed for another reason has a picture that can be decoded: what is billed rests on it."""

from models.errors import PictureError
from models.recognizer import Recognizer
from streams.agents.pool import Pool, TimedOutError


async def decodes(recognizer: Recognizer, picture: bytes | None, pool: Pool) -> bool:
    """Whether the picture can be decoded; it is tried on the pool, under its deadline.

    A picture on which the decoder fails or does not end is none: that is the picture's doing as well.
    """
    try:
        await pool.run(lambda: recognizer.check(picture or b""))
    except (PictureError, TimedOutError):
        return False
    except Exception:  # noqa: BLE001  the failure that counts is logged already, and this one would follow from it
        return False
    return True
