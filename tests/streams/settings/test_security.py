"""The settings of the connection: whole or refused in one line, and no secret of their files in any word."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from cryptography.hazmat.primitives.serialization import load_pem_private_key as load_key

from streams.settings import Settings, SettingsError
from streams.wire.connection import Connection

PASSWORD = "the-7f3a-password"


def read(**given: object) -> Settings:
    return Settings.from_environment(
        {"HOME": "/home/ada"} | {f"FACESTREAMS_{name}": str(v) for name, v in given.items()}
    )


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def files(tmp_path: Path, authority: trustme.CA) -> dict[str, Path]:
    paths = {name: tmp_path / name for name in ("ca", "cert", "key", "password")}
    leaf = authority.issue_cert("ada.example", common_name="ada")
    authority.cert_pem.write_to_path(paths["ca"])
    leaf.cert_chain_pems[0].write_to_path(paths["cert"])
    leaf.private_key_pem.write_to_path(paths["key"])
    paths["password"].write_text(PASSWORD + "\n")
    for path in paths.values():
        path.chmod(0o600)
    return paths


@pytest.fixture
def with_password(files: dict[str, Path]) -> dict[str, object]:
    return {
        "SECURITY_PROTOCOL": "SASL_SSL",
        "SASL_MECHANISM": "SCRAM-SHA-512",
        "SASL_USERNAME": "ada",
        "SASL_PASSWORD_FILE": files["password"],
        "TLS_CA_FILE": files["ca"],
    }


@pytest.fixture
def with_certificate(files: dict[str, Path]) -> dict[str, object]:
    return {
        "SECURITY_PROTOCOL": "SSL",
        "TLS_CA_FILE": files["ca"],
        "TLS_CERT_FILE": files["cert"],
        "TLS_KEY_FILE": files["key"],
    }


def refusal(given: dict[str, object]) -> str:
    """What is said of these settings, at once or when the connection is made."""
    with pytest.raises(SettingsError) as refused:
        read(**given).connection()
    said = str(refused.value)
    assert PASSWORD not in said
    assert "\n" not in said
    assert refused.value.__cause__ is None
    return said


def test_nothing_given_is_a_connection_in_the_clear() -> None:
    assert read().connection() == Connection("127.0.0.1:9092")


def test_a_password_is_what_the_file_holds_without_its_line_end(with_password: dict[str, object]) -> None:
    settings = read(**with_password)
    connection = settings.connection()

    assert connection.protocol == "SASL_SSL"
    assert connection.client_options()["sasl_plain_password"] == PASSWORD
    assert connection.principal == "User:ada"
    assert PASSWORD not in repr(connection) + repr(settings)


def test_a_certificate_is_ours(with_certificate: dict[str, object]) -> None:
    connection = read(**with_certificate).connection()

    assert connection.protocol == "SSL"
    assert connection.principal.startswith("the certificate CN=ada,")


def test_tls_alone_trusts_whom_the_system_trusts() -> None:
    connection = read(SECURITY_PROTOCOL="SSL").connection()
    assert connection.tls is not None
    assert connection.tls.context.check_hostname


@pytest.mark.parametrize("name", ["SASL_MECHANISM", "SASL_USERNAME", "SASL_PASSWORD_FILE"])
def test_a_part_of_a_password_is_not_enough(with_password: dict[str, object], name: str) -> None:
    assert refusal({**with_password, name: ""}) == (
        f"FACESTREAMS_{name}: expected with SECURITY_PROTOCOL=SASL_SSL, found nothing"
    )


@pytest.mark.parametrize("name", ["SASL_MECHANISM", "SASL_USERNAME", "SASL_PASSWORD_FILE"])
@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL"])
def test_a_password_that_would_not_be_used_is_refused(with_password, name: str, protocol: str) -> None:
    assert refusal({"SECURITY_PROTOCOL": protocol, name: with_password[name]}) == (
        f"FACESTREAMS_{name}: of use with SECURITY_PROTOCOL=SASL_SSL alone, which is {protocol}"
    )


@pytest.mark.parametrize("name", ["TLS_CA_FILE", "TLS_CERT_FILE", "TLS_KEY_FILE"])
def test_a_certificate_that_would_not_be_used_is_refused(with_certificate: dict[str, object], name: str) -> None:
    assert refusal({name: with_certificate[name]}) == (
        f"FACESTREAMS_{name}: of use with SECURITY_PROTOCOL=SSL or SASL_SSL alone, which is PLAINTEXT"
    )


@pytest.mark.parametrize(("name", "other"), [("TLS_CERT_FILE", "TLS_KEY_FILE"), ("TLS_KEY_FILE", "TLS_CERT_FILE")])
def test_a_certificate_and_its_key_go_together(with_certificate: dict[str, object], name: str, other: str) -> None:
    assert refusal({**with_certificate, name: ""}) == f"FACESTREAMS_{name}: expected with {other}, found nothing"


def test_a_password_is_not_sent_in_the_clear() -> None:
    assert refusal({"SECURITY_PROTOCOL": "SASL_PLAINTEXT"}).startswith("FACESTREAMS_SECURITY_PROTOCOL: expected ")


def test_a_password_is_no_setting() -> None:
    assert refusal({"SASL_PASSWORD": PASSWORD}) == (
        "FACESTREAMS_SASL_PASSWORD: no such setting; did you mean FACESTREAMS_SASL_PASSWORD_FILE?"
    )


def test_the_embedded_broker_takes_no_tls() -> None:
    assert refusal({"BROKER": "embedded", "SECURITY_PROTOCOL": "SSL"}) == (
        "FACESTREAMS_SECURITY_PROTOCOL: expected PLAINTEXT with BROKER=embedded"
    )


def test_a_password_in_place_of_its_file_is_not_repeated(with_password: dict[str, object]) -> None:
    assert refusal({**with_password, "SASL_PASSWORD_FILE": PASSWORD}) == (
        "FACESTREAMS_SASL_PASSWORD_FILE: expected a file, found No such file or directory"
    )


@pytest.mark.parametrize(("name", "file"), [("SASL_PASSWORD_FILE", "password"), ("TLS_KEY_FILE", "key")])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_secret_that_others_can_have_is_refused(
    with_password: dict[str, object], with_certificate: dict[str, object], files: dict[str, Path],
    name: str, file: str, mode: int,
) -> None:  # fmt: skip
    files[file].chmod(mode)
    given = with_password if file == "password" else with_certificate
    assert refusal(given) == f"FACESTREAMS_{name}: expected mode 0600, found {mode:04o}: run chmod 600 on it"


def test_a_pipe_is_not_waited_for(with_password: dict[str, object], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert refusal({**with_password, "SASL_PASSWORD_FILE": tmp_path / "pipe"}) == (
        "FACESTREAMS_SASL_PASSWORD_FILE: expected a file, found something else"
    )


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines", b"nul\0", b"\xff\xfe", b"x" * 1025])
def test_what_is_no_password_is_refused(
    with_password: dict[str, object], files: dict[str, Path], content: bytes
) -> None:
    files["password"].write_bytes(content)
    assert refusal(with_password).startswith(
        "FACESTREAMS_SASL_PASSWORD_FILE: expected one line of at most 1024 bytes of UTF-8"
    )


@pytest.mark.parametrize("content", [b"x" * 1024, "zażółć gęślą".encode(), b"with spaces \r\n"])
def test_what_is_one_is_taken(with_password: dict[str, object], files: dict[str, Path], content: bytes) -> None:
    files["password"].write_bytes(content)
    options = read(**with_password).connection().client_options()
    assert options["sasl_plain_password"] == content.decode().removesuffix("\r\n")


def test_files_that_hold_something_else_are_named(with_certificate: dict[str, object], files: dict[str, Path]) -> None:
    for name, file, expected in (
        ("TLS_CA_FILE", "password", "expected certificates of authorities as PEM, found none"),
        ("TLS_CA_FILE", "absent", "expected certificates of authorities as PEM, found No such file or directory"),
        ("TLS_CERT_FILE", "key", "expected a certificate as PEM, found none"),
        (
            "TLS_KEY_FILE",
            "cert",
            "expected the private key of TLS_CERT_FILE as PEM, without a passphrase; found another",
        ),
    ):
        path = files.get(file, Path("/nowhere/at/all"))
        assert refusal({**with_certificate, name: path}) == f"FACESTREAMS_{name}: {expected}"


def test_the_key_of_another_certificate_is_refused(
    with_certificate: dict[str, object], files: dict[str, Path], authority: trustme.CA
) -> None:
    authority.issue_cert("other.example").private_key_pem.write_to_path(files["key"])
    assert refusal(with_certificate).startswith("FACESTREAMS_TLS_KEY_FILE: expected the private key of TLS_CERT_FILE")


def test_nobody_is_asked_for_a_passphrase(with_certificate: dict[str, object], files: dict[str, Path]) -> None:
    key = load_key(files["key"].read_bytes(), None)
    files["key"].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"phrase")))
    assert refusal(with_certificate).startswith("FACESTREAMS_TLS_KEY_FILE: expected the private key of TLS_CERT_FILE")


@pytest.mark.parametrize(("from_days", "to_days"), [(-30, -1), (1, 30)])
def test_a_certificate_that_does_not_hold_now_is_refused(
    with_certificate: dict[str, object], files: dict[str, Path], authority: trustme.CA, from_days: int, to_days: int
) -> None:
    now = datetime.now(UTC)
    begins, ends = now + timedelta(days=from_days), now + timedelta(days=to_days)
    leaf = authority.issue_cert("ada.example", not_before=begins, not_after=ends)
    leaf.cert_chain_pems[0].write_to_path(files["cert"])
    leaf.private_key_pem.write_to_path(files["key"])
    assert refusal(with_certificate) == (
        "FACESTREAMS_TLS_CERT_FILE: expected a certificate that holds now, found one "
        f"from {begins:%Y-%m-%d} to {ends:%Y-%m-%d}: have it renewed"
    )
