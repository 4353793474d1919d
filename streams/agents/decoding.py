"""Whether a request that failed for another reason has a picture that can be decoded: what is billed rests on it."""

from models.errors import PictureError
from models.recognizer import Recognizer
from streams.agents.pool import Pool


async def decodes(recognizer: Recognizer, picture: bytes | None, pool: Pool) -> bool:
    """False if the decoder refuses the picture; it is tried on the pool, under its deadline.

    Whatever else comes of the trial, no memory or no time, is the machine's doing: another machine might decode it.
    """
    try:
        await pool.run(lambda: recognizer.check(picture or b""))
    except PictureError:
        return False
    except Exception:  # noqa: BLE001  the failure that counts is logged already, and this one would follow from it
        return True
    return True
