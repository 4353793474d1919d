"""From the settings of the connection to its secrets: files are read here, and nothing of them is ever repeated."""

import os
import ssl
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from streams.settings.errors import PREFIX, SettingsError
from streams.wire.connection import Connection, Mechanism, Protocol, Sasl, Tls

OTHERS: Final = 0o077
"""The bits of a file's mode that let others than its owner have it."""

LONGEST_PASSWORD_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class SecuritySettings:
    """The group of settings as it was given; `check` it before `connection` reads its files."""

    protocol: Protocol
    mechanism: Mechanism | None
    username: str | None
    password_file: Path | None
    ca_file: Path | None
    cert_file: Path | None
    key_file: Path | None

    def check(self) -> None:
        """Raise SettingsError where one setting contradicts another, or lacks it."""
        for name, value in self._of_sasl():
            if self.protocol == "SASL_SSL" and value is None:
                raise _refused(name, "expected with SECURITY_PROTOCOL=SASL_SSL, found nothing")
            if self.protocol != "SASL_SSL" and value is not None:
                raise _refused(name, f"of use with SECURITY_PROTOCOL=SASL_SSL alone, which is {self.protocol}")
        for name, value in self._of_tls():
            if self.protocol == "PLAINTEXT" and value is not None:
                raise _refused(name, "of use with SECURITY_PROTOCOL=SSL or SASL_SSL alone, which is PLAINTEXT")
        if self.cert_file is None and self.key_file is not None:
            raise _refused("TLS_CERT_FILE", "expected with TLS_KEY_FILE, found nothing")
        if self.cert_file is not None and self.key_file is None:
            raise _refused("TLS_KEY_FILE", "expected with TLS_CERT_FILE, found nothing")

    def connection(self, bootstrap_servers: str, now: datetime) -> Connection:
        """Read the files. now: with its zone; our certificate must hold then. Raises SettingsError."""
        tls = None if self.protocol == "PLAINTEXT" else self._tls(now)
        if self.mechanism is None or self.username is None or self.password_file is None:
            return Connection(bootstrap_servers, tls)
        return Connection(bootstrap_servers, tls, Sasl(self.mechanism, self.username, _password(self.password_file)))

    def _of_sasl(self) -> Iterator[tuple[str, object]]:
        yield "SASL_MECHANISM", self.mechanism
        yield "SASL_USERNAME", self.username
        yield "SASL_PASSWORD_FILE", self.password_file

    def _of_tls(self) -> Iterator[tuple[str, object]]:
        yield "TLS_CA_FILE", self.ca_file
        yield "TLS_CERT_FILE", self.cert_file
        yield "TLS_KEY_FILE", self.key_file

    def _tls(self, now: datetime) -> Tls:
        context = _trusting(self.ca_file)
        if self.cert_file is None or self.key_file is None:
            return Tls(context)
        subject = _subject(self.cert_file, now)
        _check_private("TLS_KEY_FILE", self.key_file)
        try:
            context.load_cert_chain(self.cert_file, self.key_file, password=_no_passphrase)
        except (ssl.SSLError, OSError, ValueError):
            raise _refused(
                "TLS_KEY_FILE", "expected the private key of TLS_CERT_FILE as PEM, without a passphrase; found another"
            ) from None
        return Tls(context, subject)


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # SSLError is one
        raise _refused(
            "TLS_CA_FILE", f"expected certificates of authorities as PEM, found {_found(error, 'none')}"
        ) from None


def _subject(cert_file: Path, now: datetime) -> str:
    from cryptography import x509  # noqa: PLC0415  every command reads settings, few need this

    try:
        certificate = x509.load_pem_x509_certificates(cert_file.read_bytes())[0]
    except (OSError, ValueError) as error:
        raise _refused("TLS_CERT_FILE", f"expected a certificate as PEM, found {_found(error, 'none')}") from None
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise _refused(
            "TLS_CERT_FILE",
            f"expected a certificate that holds now, found one from {certificate.not_valid_before_utc:%Y-%m-%d} to "
            f"{certificate.not_valid_after_utc:%Y-%m-%d}: have it renewed",
        )
    return certificate.subject.rfc4514_string()


def _password(path: Path) -> str:
    """What the file holds, but one line end."""
    _check_private("SASL_PASSWORD_FILE", path)
    raw = path.read_bytes()[: LONGEST_PASSWORD_BYTES + 2]
    raw = raw.removesuffix(b"\n").removesuffix(b"\r")
    try:
        password = raw.decode("utf-8")
    except UnicodeDecodeError:
        password = ""
    if not (password.isprintable() and 0 < len(raw) <= LONGEST_PASSWORD_BYTES and password):
        raise _refused(
            "SASL_PASSWORD_FILE",
            f"expected one line of at most {LONGEST_PASSWORD_BYTES} bytes of UTF-8 in the file, found none or another",
        )
    return password


def _check_private(name: str, path: Path) -> None:
    """A regular file that its owner alone may read. The path is not repeated: it may be the secret, misplaced."""
    try:
        status = path.stat()
    except OSError as error:
        raise _refused(name, f"expected a file, found {_found(error, 'none')}") from None
    if not stat.S_ISREG(status.st_mode):
        raise _refused(name, "expected a file, found something else")
    if status.st_mode & OTHERS:
        raise _refused(name, f"expected mode 0600, found {stat.S_IMODE(status.st_mode):04o}: run chmod 600 on it")
    if not os.access(path, os.R_OK):
        raise _refused(name, "expected a file that can be read, found one that this user may not")


def _found(error: Exception, otherwise: str) -> str:
    """What stands there; the system's words for it, never the path."""
    words = error.strerror if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) else None
    return words or otherwise


def _no_passphrase() -> str:
    """For a key that wants one: OpenSSL would ask for it on the terminal."""
    return ""


def _refused(name: str, problem: str) -> SettingsError:
    return SettingsError(PREFIX + name, problem)
