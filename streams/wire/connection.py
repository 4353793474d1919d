"""How to reach the broker: one group of settings for the engine, producers, consumers and the admin client."""

from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Any, Literal

Protocol = Literal["PLAINTEXT", "SSL", "SASL_SSL"]
"""How bytes go to the broker. A password never goes in the clear: SASL_PLAINTEXT is not among them."""

Mechanism = Literal["SCRAM-SHA-512", "PLAIN"]


@dataclass(frozen=True, slots=True)
class Tls:
    """Encryption, and whom to trust.

    context: verifies the broker's name and certificate; with a certificate of ours loaded, if we have one.
    certificate: the subject of ours, as the broker's rights may name it; None where we show none.
    """

    context: SSLContext
    certificate: str | None = None


@dataclass(frozen=True, slots=True)
class Sasl:
    """A user and a password; the password shows in no repr."""

    mechanism: Mechanism
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Connection:
    """bootstrap_servers: `host:port`, comma-separated. Raises ValueError for a password without TLS."""

    bootstrap_servers: str
    tls: Tls | None = None
    sasl: Sasl | None = None

    def __post_init__(self) -> None:
        if self.sasl is not None and self.tls is None:
            raise ValueError("a password is sent over TLS alone")

    @property
    def protocol(self) -> Protocol:
        """As Kafka calls it."""
        if self.tls is None:
            return "PLAINTEXT"
        return "SSL" if self.sasl is None else "SASL_SSL"

    @property
    def principal(self) -> str:
        """As whom the broker knows us, in words: a certificate's name there is the broker's own rule."""
        if self.sasl is not None:
            return f"User:{self.sasl.username}"
        if self.tls is not None and self.tls.certificate is not None:
            return f"the certificate {self.tls.certificate}"
        return "User:ANONYMOUS"

    def servers(self) -> list[tuple[str, int]]:
        """Host and port of each, in order; an IPv6 address without its brackets."""
        pairs = (server.strip().rpartition(":") for server in self.bootstrap_servers.split(","))
        return [(host.strip("[]"), int(port)) for host, _, port in pairs]

    def client_options(self) -> dict[str, Any]:
        """Keyword arguments that every aiokafka client takes. Among them may be the password: not to be shown."""
        return {"bootstrap_servers": self.bootstrap_servers, **self.security_options()}

    def security_options(self) -> dict[str, Any]:
        """Those of them that say how to connect, not where; none for a connection in the clear."""
        options: dict[str, Any] = {}
        if self.tls is not None:
            options |= {"security_protocol": self.protocol, "ssl_context": self.tls.context}
        if self.sasl is not None:
            options |= {
                "sasl_mechanism": self.sasl.mechanism,
                "sasl_plain_username": self.sasl.username,
                "sasl_plain_password": self.sasl.password,
            }
        return options
