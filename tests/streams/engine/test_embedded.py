"""The embedded broker: starts, says when it is full, ends for sure."""

import socket

import pytest

from streams.engine.brokers import EMBEDDED, KAFKA
from streams.engine.embedded import EmbeddedBroker, EmbeddedBrokerError

pytestmark = pytest.mark.broker


def listens(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def test_listens_on_loopback_once_started_and_no_more_when_stopped() -> None:
    with EmbeddedBroker() as broker:
        address = broker.bootstrap_servers
        assert address.startswith("127.0.0.1:")
        assert listens(address)
        broker.check()
    assert not listens(address)


def test_says_so_when_it_holds_more_than_its_ceiling() -> None:
    with (
        EmbeddedBroker(ceiling_bytes=1) as broker,
        pytest.raises(EmbeddedBrokerError, match=r"holds \d+ MiB, its ceiling is 0 MiB"),
    ):
        broker.check()


def test_says_so_when_it_has_ended() -> None:
    broker = EmbeddedBroker()
    with pytest.raises(EmbeddedBrokerError, match="has ended"):
        broker.check()


def test_says_which_promises_it_cannot_keep() -> None:
    assert KAFKA.cannot_keep() == ()
    assert any("retention is not enforced" in sentence for sentence in EMBEDDED.cannot_keep())


def test_a_port_that_somebody_else_has_is_refused_and_not_taken_for_our_broker() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(EmbeddedBrokerError, match=f"^port {port} of the loopback is in use"):
            EmbeddedBroker(port).start()
