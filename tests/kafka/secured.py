"""A broker with every way in that we support, and certificates for both ends; each listener is one way.

Accounts are `User:<name>`: with SCRAM or PLAIN the user's name, with mutual TLS the certificate's common name.
"""

import asyncio
import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import trustme
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from streams.settings import Settings
from streams.wire.connection import Connection
from streams.wire.rights import Right, Role
from streams.wire.topics import Topics
from tests.kafka.broker import Kafka, KafkaError

MUTUAL: Final = "MUTUAL"
SCRAM: Final = "SCRAM"
PLAIN: Final = "PLAIN"
EXPIRED: Final = "EXPIRED"
OPEN: Final = "OPEN"
ADMIN: Final = "admin"

MECHANISM: Final = {SCRAM: "SCRAM-SHA-512", PLAIN: "PLAIN"}
RESOURCES: Final = {"topic": 2, "group": 3, "cluster": 4, "transactional-id": 5}
LITERAL: Final = 3
ALLOW: Final = 3

JAAS: Final = "org.apache.kafka.common.security"


ACCOUNTS: Final = ("acme", "zoo")
STRANGERS: Final = ("newcomer", "half-a-worker", "groupless-worker", "half-an-admin", "idless-worker")
"""Users whose rights are those of no role."""

UNTOUCHED: Final = "untouched"
"""An account of which no test writes anything: what is found of it is what its topics were created with."""


def topics_of(account: str) -> Topics:
    """Of one of the accounts that share the broker."""
    return Topics(account=account, partitions=2)


def user(account: str, role: Role) -> str:
    """Who has this role's rights in this account."""
    return f"{account}-{role}"


class Certificates:
    """One authority that the broker trusts and one that it does not; files are PEM, a key beside each certificate."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self._ours, self._others = trustme.CA(), trustme.CA()
        self.ca_file = directory / "ca.pem"
        self.other_ca_file = directory / "other-ca.pem"
        self._ours.cert_pem.write_to_path(self.ca_file)
        self._others.cert_pem.write_to_path(self.other_ca_file)

    def issue(self, name: str, *, expired: bool = False, of_another: bool = False) -> Path:
        """A certificate for this common name and for loopback, with its key in the same file."""
        authority = self._others if of_another else self._ours
        ended = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
        leaf = authority.issue_cert(
            "127.0.0.1",
            common_name=name,
            not_before=ended - datetime.timedelta(days=30) if expired else None,
            not_after=ended if expired else None,
        )
        path = self.directory / f"{name}{'-expired' if expired else ''}{'-other' if of_another else ''}.pem"
        path.touch(mode=0o600)
        # Java reads PKCS#8 alone
        key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
        content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(content + b"".join(each.bytes() for each in leaf.cert_chain_pems))
        return path


class SecuredKafka:
    """One broker that asks who comes and what he may. passwords: of users, by name; they hold for SCRAM and PLAIN."""

    def __init__(self, directory: Path, passwords: dict[str, str]) -> None:
        self.certificates = Certificates(directory / "certificates")
        self.passwords = passwords
        self.kafka = Kafka(
            directory,
            listeners=(MUTUAL, SCRAM, PLAIN, EXPIRED, OPEN),
            settings=self._settings(),
            format_options=[
                option
                for name, password in passwords.items()
                for option in ("--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]")
            ],
        )

    def password_file(self, name: str, content: str | None = None) -> Path:
        """A file that holds the user's password, or what is given instead."""
        path = self.certificates.directory / f"{name}.password"
        path.touch(mode=0o600)
        path.write_text(self.passwords[name] if content is None else content, "utf-8")
        return path

    def environment(self, name: str, listener: str) -> dict[str, str]:
        """The settings with which this user comes in by this way."""
        given = {"BOOTSTRAP_SERVERS": self.kafka.bootstrap(listener)}
        if listener != OPEN:
            given |= {"SECURITY_PROTOCOL": "SSL", "TLS_CA_FILE": str(self.certificates.ca_file)}
        if listener in (MUTUAL, EXPIRED):
            certificate = str(self.certificates.issue(name))
            given |= {"TLS_CERT_FILE": certificate, "TLS_KEY_FILE": certificate}
        if listener in (SCRAM, PLAIN):
            given |= {
                "SECURITY_PROTOCOL": "SASL_SSL",
                "SASL_MECHANISM": MECHANISM[listener],
                "SASL_USERNAME": name,
                "SASL_PASSWORD_FILE": str(self.password_file(name)),
            }
        return {f"FACESTREAMS_{setting}": value for setting, value in given.items()}

    def connection(self, name: str, listener: str) -> Connection:
        """This user's, by this way."""
        return Settings.from_environment(self.environment(name, listener)).connection()

    def admin_properties(self) -> Path:
        """With which Kafka's own tools come in as the administrator."""
        certificate = self.certificates.issue(ADMIN)
        lines = {
            "security.protocol": "SSL",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": certificate,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.certificates.ca_file,
        }
        path = self.certificates.directory / "admin.properties"
        path.write_text("".join(f"{name}={value}\n" for name, value in lines.items()), "utf-8")
        return path

    async def allow(self, grants: Mapping[str, Sequence[Right]]) -> None:
        """Give rights to users, as the administrator. Raises KafkaError if the broker refuses."""
        admin = AIOKafkaAdminClient(**self.connection(ADMIN, MUTUAL).client_options())
        await admin.start()
        try:
            wanted = [
                (RESOURCES[right.resource], right.name, LITERAL, f"User:{name}", "*", int(operation), ALLOW)
                for name, rights in grants.items()
                for right in rights
                for operation in right.operations
            ]
            answers = await asyncio.gather(*(admin._send_to_controller(CreateAclsRequest(*each)) for each in wanted))
        finally:
            await admin.close()
        refused = [each for each, answer in zip(wanted, answers, strict=True) if answer.creation_responses[0][0]]
        if refused:
            raise KafkaError(f"rights were not given: {refused}")

    def _settings(self) -> dict[str, str]:
        ours = self.certificates
        users = " ".join(f'user_{name}="{password}"' for name, password in self.passwords.items())
        return {
            "listener.security.protocol.map": ",".join(
                f"{name}:{protocol}"
                for name, protocol in {
                    MUTUAL: "SSL",
                    SCRAM: "SASL_SSL",
                    PLAIN: "SASL_SSL",
                    EXPIRED: "SSL",
                    OPEN: "PLAINTEXT",
                    "CONTROLLER": "SSL",
                }.items()
            ),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(ours.issue("broker")),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(ours.ca_file),
            "ssl.client.auth": "required",
            "ssl.principal.mapping.rules": r"RULE:^.*CN=([^,]+).*$/$1/,DEFAULT",
            "listener.name.expired.ssl.keystore.location": str(ours.issue("broker", expired=True)),
            "listener.name.expired.ssl.keystore.type": "PEM",
            "listener.name.scram.ssl.client.auth": "none",
            "listener.name.scram.sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.scram.scram-sha-512.sasl.jaas.config": f"{JAAS}.scram.ScramLoginModule required;",
            "listener.name.plain.ssl.client.auth": "none",
            "listener.name.plain.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.plain.plain.sasl.jaas.config": f"{JAAS}.plain.PlainLoginModule required {users};",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "delete.topic.enable": "false",  # who may delete records may else delete topics
            "connection.failed.authentication.delay.ms": "0",
            "super.users": f"User:broker;User:{ADMIN}",
        }
