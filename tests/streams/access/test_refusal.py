import asyncio
import logging
import socket
import ssl

import pytest
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    UnsupportedSaslMechanismError,
)

from streams.access.refusal import missing_right, reason_of, unlogged, why_refused
from streams.wire.connection import Connection, Sasl, Tls

CONTEXT = ssl.create_default_context()
CLEAR = Connection("b1:9092")
ENCRYPTED = Connection("b1:9093", Tls(CONTEXT))
CERTIFIED = Connection("b1:9093", Tls(CONTEXT, "CN=ada"))
NAMED = Connection("b1:9094", Tls(CONTEXT), Sasl("PLAIN", "ada", "the-password"))


def tls_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


def unverified(code: int, message: str = "") -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, message)
    error.verify_code, error.verify_message = code, message
    return error


def closed(cause: BaseException) -> KafkaConnectionError:
    error = KafkaConnectionError("Connection at b1:9093 closed")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "connection", "words"),
    [
        (SaslAuthenticationFailed("no"), NAMED, "unknown user ada or wrong password (PLAIN): check "),
        (UnsupportedSaslMechanismError(), NAMED, "PLAIN is not enabled at this port: "),
        (IllegalSaslStateError(), NAMED, "this port takes no password: "),
        (unverified(10), ENCRYPTED, "its certificate has expired: "),
        (unverified(19), ENCRYPTED, "its certificate is of an authority that is not trusted here: "),
        (unverified(20), ENCRYPTED, "its certificate is of an authority that is not trusted here: "),
        (unverified(62), ENCRYPTED, "its certificate is for another name: "),
        (unverified(64), ENCRYPTED, "its certificate is for another name: "),
        (unverified(23, "certificate revoked"), ENCRYPTED, "its certificate is not accepted: certificate revoked"),
        (closed(tls_error("SSLV3_ALERT_BAD_CERTIFICATE")), ENCRYPTED, "it asks for a certificate of ours: "),
        (closed(tls_error("TLSV13_ALERT_CERTIFICATE_REQUIRED")), NAMED, "it asks for a certificate of ours: "),
        (
            closed(tls_error("SSLV3_ALERT_CERTIFICATE_UNKNOWN")),
            CERTIFIED,
            "it does not accept our certificate CN=ada: ",
        ),
        (closed(tls_error("TLSV1_ALERT_UNKNOWN_CA")), CERTIFIED, "it does not accept our certificate CN=ada: "),
        (tls_error("WRONG_VERSION_NUMBER"), ENCRYPTED, "this port does not speak TLS, "),
        (tls_error("TLSV1_ALERT_PROTOCOL_VERSION"), ENCRYPTED, "TLS failed: tlsv1 alert protocol version"),
        (closed(asyncio.IncompleteReadError(b"abc", 0x15030300)), CLEAR, "this port speaks TLS: "),
        (closed(asyncio.IncompleteReadError(b"", 4)), ENCRYPTED, "it closed the connection after the first request"),
    ],
)
def test_the_cause_is_named(error: Exception, connection: Connection, words: str) -> None:
    reason = reason_of(error, connection)
    assert reason is not None
    assert reason.startswith(words)
    assert "the-password" not in reason
    assert "\n" not in reason


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        KafkaConnectionError(),
        closed(asyncio.IncompleteReadError(b"abc", 4096)),
        SaslAuthenticationFailed(),  # of somebody else: we gave no user
    ],
)
def test_what_is_no_refusal_has_no_words(error: Exception) -> None:
    assert reason_of(error, CLEAR) is None


async def test_a_broker_that_is_away_refuses_nothing() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        assert await why_refused(Connection(f"127.0.0.1:{probe.getsockname()[1]}")) is None


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TopicAuthorizationFailedError("a.b.c"), "a right on topic a.b.c is missing: "),
        (TopicAuthorizationFailedError({"a.b.d", "a.b.c"}), "a right on topic a.b.c and a.b.d is missing: "),
        (GroupAuthorizationFailedError("g"), "a right on group g is missing: "),
    ],
)
def test_a_missing_right_is_named(error: KafkaError, words: str) -> None:
    assert str(missing_right(error)) == words + "`facestreams rights` prints what each role needs"


def test_another_answer_is_no_missing_right() -> None:
    assert missing_right(UnknownTopicOrPartitionError()) is None


def test_the_client_is_silent_while_it_starts_and_only_then(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("aiokafka.client")
    with unlogged():
        log.critical("during")
    log.error("after")
    assert [record.message for record in caplog.records] == ["after"]
