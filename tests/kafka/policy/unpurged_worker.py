"""`facestreams worker` that deletes no picture once it is processed."""

import asyncio
from typing import NoReturn

from streams.engine.purge.purger import Purger


async def _idle(_self: Purger) -> NoReturn:
    while True:
        await asyncio.sleep(3600)


if __name__ == "__main__":
    from streams.cli import main

    Purger.run = _idle  # type: ignore[method-assign]  # the point of this file
    main()
