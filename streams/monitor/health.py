"""What operators and orchestrators ask over HTTP: /metrics, /live and /ready on one port."""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

Probe = Callable[[], str | None]
"""None if all is well, else the reason in words. Asked on each request, on the event loop: it may not wait."""

STOP_GRACE_S: Final = 1.0


class HealthServer:
    """Answers 200, or 503 with the probe's reason as text. It authenticates nobody: bind it to the loopback.

    host: address to listen on. port: 0 takes a free one.
    live: whether the process should go on. ready: whether it does its work now.
    """

    def __init__(self, host: str, port: int, registry: CollectorRegistry, live: Probe, ready: Probe) -> None:
        self._host = host
        self._port = port
        self._registry = registry
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/live", _answer(live))
        app.router.add_get("/ready", _answer(ready))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_GRACE_S)

    @property
    def port(self) -> int:
        """The port that is listened on; before `start`, the one that was asked for."""
        addresses = self._runner.addresses
        return int(addresses[0][1]) if addresses else self._port

    async def start(self) -> None:
        """Listen. Raises OSError if the address cannot be had."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    async def stop(self) -> None:
        """Close the port; requests under way have a second to end. May be called without or after a failed start."""
        await self._runner.cleanup()

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _answer(probe: Probe) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        reason = probe()
        return web.Response(text="ok\n") if reason is None else web.Response(text=f"{reason}\n", status=503)

    return handle
