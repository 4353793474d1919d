"""Why a broker does not let us in, in words.

The Kafka client only logs what a broker answers while it connects, and says that it found none. So after a start
that failed, a connection is tried once more, and what ends it is named.
"""

import logging
import ssl
from asyncio import IncompleteReadError
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from streams.wire.connection import Connection

TRY_S: Final = 5.0

EXPIRED: Final = 10
OF_ANOTHER: Final = frozenset({18, 19, 20, 21})
NOT_THIS_NAME: Final = frozenset({62, 64})
"""OpenSSL's X509_V_ERR_ codes of a certificate that was not accepted."""

TLS_ALERT: Final = 0x1503
"""The first two bytes of an alert: what a port that speaks TLS answers to one who does not."""

CONFIGURED: Final = "FACESTREAMS_SECURITY_PROTOCOL"


class RefusedError(Exception):
    """A broker is there and does not serve us; the message is one line that says why, and what to do."""


@contextmanager
def unlogged() -> Iterator[None]:
    """Keep what the Kafka client logs of a failed start from a log: it is said once, by the error that follows."""
    log = logging.getLogger("aiokafka")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)


def missing_right(error: KafkaError) -> RefusedError | None:
    """In words, where an answer says that we may not do something; else None."""
    for resource, kind in (("topic", TopicAuthorizationFailedError), ("group", GroupAuthorizationFailedError)):
        if isinstance(error, kind):
            named = " and ".join(sorted(_names(error.args)))
            return RefusedError(
                f"a right on {resource} {named} is missing: `facestreams rights` prints what each role needs"
            )
    return None


def _names(parts: Any) -> set[str]:
    """Of what aiokafka names: one, or a set."""
    if isinstance(parts, str):
        return {parts}
    return {name for part in parts for name in _names(part)}


async def why_refused(connection: Connection) -> RefusedError | None:
    """What the first server that refuses says; None where one lets us in, or none answers at all."""
    for host, port in connection.servers():
        error = await _tried(connection, host, port)
        if error is None:
            return None
        reason = reason_of(error, connection)
        if reason is None and connection.tls is not None and isinstance(error, ConnectionResetError):
            reason = await _no_tls(connection, host, port)
        if reason is not None:
            return RefusedError(reason)
    return None


def reason_of(error: BaseException, connection: Connection) -> str | None:
    """The cause of a failed connection, and what to do; None for one that is none of ours to mend."""
    for each in _chain(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return _of_their_certificate(each)
        if isinstance(each, ssl.SSLError):
            return _of_an_alert(each, connection)
        if isinstance(each, IncompleteReadError):
            return _of_an_end(each, connection)
        if isinstance(each, KafkaError) and (reason := _of_sasl(each, connection)) is not None:
            return reason
    return None


async def _tried(connection: Connection, host: str, port: int) -> Exception | None:
    """What ends a first request; None if it is answered."""
    try:
        answering = await create_conn(host, port, request_timeout_ms=int(TRY_S * 1000), **connection.security_options())
        try:
            # a port that wants a password lets pass what comes before it
            await answering.send(MetadataRequest([]))
        finally:
            answering.close()
    except (OSError, KafkaError, TimeoutError) as error:
        return error
    return None


async def _no_tls(connection: Connection, host: str, port: int) -> str | None:
    # Kafka reads the first bytes of TLS as the length of a request that is too long, and closes without a word
    if await _tried(Connection(connection.bootstrap_servers), host, port) is None:
        return f"this port does not speak TLS, {CONFIGURED} is {connection.protocol}: name its TLS port"
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _of_their_certificate(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code == EXPIRED:
        return "its certificate has expired: have it renewed"
    if error.verify_code in OF_ANOTHER:
        return "its certificate is of an authority that is not trusted here: name it in FACESTREAMS_TLS_CA_FILE"
    if error.verify_code in NOT_THIS_NAME:
        return "its certificate is for another name: name the broker in FACESTREAMS_BOOTSTRAP_SERVERS as that does"
    return f"its certificate is not accepted: {error.verify_message}"


def _of_an_alert(error: ssl.SSLError, connection: Connection) -> str:
    said = error.reason or ""
    if "ALERT" in said and ("CERTIFICATE" in said or "CA" in said.split("_")):
        if connection.tls is None or connection.tls.certificate is None:
            return "it asks for a certificate of ours: set FACESTREAMS_TLS_CERT_FILE and FACESTREAMS_TLS_KEY_FILE"
        return (
            f"it does not accept our certificate {connection.tls.certificate}: "
            "FACESTREAMS_TLS_CERT_FILE needs one of an authority that the broker trusts, and that has not expired"
        )
    if said in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return f"this port does not speak TLS, {CONFIGURED} is {connection.protocol}: name its TLS port"
    return f"TLS failed: {said.lower().replace('_', ' ') or error}"


def _of_an_end(error: IncompleteReadError, connection: Connection) -> str | None:
    if connection.tls is None and error.expected is not None and error.expected >> 16 == TLS_ALERT:
        return f"this port speaks TLS: set {CONFIGURED} to SSL or SASL_SSL"
    if connection.sasl is None and not error.partial:
        return (
            f"it closed the connection after the first request, as one does that wants a user and a password: set "
            f"{CONFIGURED} to SASL_SSL"
        )
    return None


def _of_sasl(error: KafkaError, connection: Connection) -> str | None:
    sasl = connection.sasl
    if sasl is None:
        return None
    if isinstance(error, SaslAuthenticationFailed | AuthenticationFailedError):
        return (
            f"unknown user {sasl.username} or wrong password ({sasl.mechanism}): check FACESTREAMS_SASL_USERNAME and "
            "what FACESTREAMS_SASL_PASSWORD_FILE holds"
        )
    if isinstance(error, UnsupportedSaslMechanismError):
        return f"{sasl.mechanism} is not enabled at this port: FACESTREAMS_SASL_MECHANISM must name one that is"
    if isinstance(error, IllegalSaslStateError):
        return f"this port takes no password: set {CONFIGURED} to SSL, or name its SASL port"
    return None
