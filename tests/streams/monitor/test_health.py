"""The HTTP port."""

import socket

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Counter

from streams.monitor.health import HealthServer

LOOPBACK = "127.0.0.1"


@pytest.fixture
def reasons():
    """What the probes say now."""
    return {"live": None, "ready": "reading the gallery"}


@pytest.fixture
def registry():
    registry = CollectorRegistry()
    Counter("facestreams_things_total", "Things.", registry=registry).inc(3)
    return registry


@pytest.fixture
async def server(registry, reasons):
    server = HealthServer(LOOPBACK, 0, registry, lambda: reasons["live"], lambda: reasons["ready"])
    await server.start()
    yield server
    await server.stop()


async def get(server, path):
    async with aiohttp.ClientSession() as session, session.get(f"http://{LOOPBACK}:{server.port}{path}") as answer:
        return answer.status, await answer.text(), answer.headers


async def test_a_probe_that_is_content_answers_ok(server):
    status, text, _ = await get(server, "/live")
    assert (status, text) == (200, "ok\n")


async def test_a_probe_that_is_not_says_why(server, reasons):
    status, text, _ = await get(server, "/ready")
    assert (status, text) == (503, "reading the gallery\n")
    reasons["ready"] = None
    reasons["live"] = "stopping"
    assert (await get(server, "/ready"))[0] == 200
    assert (await get(server, "/live"))[:2] == (503, "stopping\n")


async def test_the_registry_is_shown_as_prometheus_reads_it(server):
    status, text, headers = await get(server, "/metrics")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=")
    assert "facestreams_things_total 3.0\n" in text


async def test_nothing_else_is_there(server):
    assert (await get(server, "/"))[0] == 404


async def test_a_taken_port_is_an_os_error_and_leaves_nothing_open(server, registry):
    second = HealthServer(LOOPBACK, server.port, registry, lambda: None, lambda: None)
    with pytest.raises(OSError, match="address already in use"):
        await second.start()
    await second.stop()
    assert (await get(server, "/live"))[0] == 200


async def test_stopping_closes_the_port(registry):
    server = HealthServer(LOOPBACK, 0, registry, lambda: None, lambda: None)
    await server.start()
    port = server.port
    await server.stop()
    with socket.socket() as probe:
        assert probe.connect_ex((LOOPBACK, port)) != 0


async def test_stop_without_start_does_nothing(registry):
    await HealthServer(LOOPBACK, 0, registry, lambda: None, lambda: None).stop()
