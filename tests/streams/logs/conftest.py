"""A deployment and a request."""

import pytest

from streams.logs.running import Asked
from streams.wire.event_id import EventId
from streams.wire.headers import Caller, Deployment


@pytest.fixture
def deployment() -> Deployment:
    return Deployment(account="main", app_id="77", region="eu")


@pytest.fixture
def asked() -> Asked:
    return Asked(
        event_id=EventId("0a0b0c0d", "camera-frames", 3, 9),
        interface="recognize",
        caller=Caller(uin="u", sub_uin="s", request_ip="192.0.2.1"),
        requested_at_ms=5,
        camera_id="lobby",
        gallery="default",
    )
