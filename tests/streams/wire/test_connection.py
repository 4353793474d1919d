import dataclasses
import ssl

import pytest

from streams.wire.connection import Connection, Sasl, Tls

CONTEXT = ssl.create_default_context()
SASL = Sasl("SCRAM-SHA-512", "ada", "the-password")


def test_in_the_clear_there_is_nothing_but_the_address() -> None:
    connection = Connection("b1:9092,b2:9092")

    assert connection.protocol == "PLAINTEXT"
    assert connection.client_options() == {"bootstrap_servers": "b1:9092,b2:9092"}
    assert connection.principal == "User:ANONYMOUS"


def test_with_tls_alone() -> None:
    connection = Connection("b1:9093", Tls(CONTEXT))

    assert connection.client_options() == {
        "bootstrap_servers": "b1:9093",
        "security_protocol": "SSL",
        "ssl_context": CONTEXT,
    }
    assert connection.principal == "User:ANONYMOUS"
    assert Connection("b1:9093", Tls(CONTEXT, "CN=ada")).principal == "the certificate CN=ada"


def test_with_a_password() -> None:
    connection = Connection("b1:9094", Tls(CONTEXT), SASL)

    assert connection.client_options() == {
        "bootstrap_servers": "b1:9094",
        "security_protocol": "SASL_SSL",
        "ssl_context": CONTEXT,
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "ada",
        "sasl_plain_password": "the-password",
    }
    assert connection.principal == "User:ada"


def test_a_password_never_goes_in_the_clear() -> None:
    with pytest.raises(ValueError, match="a password is sent over TLS alone"):
        Connection("b1:9092", sasl=SASL)


def test_the_password_shows_in_no_text_of_it() -> None:
    connection = Connection("b1:9094", Tls(CONTEXT), SASL)

    for shown in (repr(connection), str(connection), f"{connection!r:>9}", repr(dataclasses.replace(connection))):
        assert "the-password" not in shown
        assert "ada" in shown


def test_servers_are_hosts_and_ports() -> None:
    assert Connection("b1:9092, [::1]:9093").servers() == [("b1", 9092), ("::1", 9093)]
