"""The worker's event loop."""

from typing import Any, Final

import uvloop

TLS_CLOSE_S: Final = 1.0


class WorkerLoop(uvloop.Loop):
    """uvloop's, which does not wait half a minute for the other end of a TLS connection that it closes.

    The Kafka client closes connections while a fetch waits on them, and uvloop may then miss the answer to its
    farewell (uvloop issue 471); a start took a minute by that.
    """

    async def create_connection(self, *args: Any, **kwargs: Any) -> Any:
        """See asyncio's."""
        if kwargs.get("ssl") is not None:
            kwargs.setdefault("ssl_shutdown_timeout", TLS_CLOSE_S)
        return await super().create_connection(*args, **kwargs)
