"""Whatever keeps a command from the broker ends it in one line that names the cause, and shows no secret."""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from models.gallery.keys import KeyDirectory
from streams.cli.entry import run
from streams.cli.exit_codes import ExitCode
from streams.demo.cast import CAST
from streams.demo.film import enrollment_picture
from streams.wire.rights import Operation, Right, Role, on_topics, rights_of, transactional_id
from streams.wire.topics import (
    CAMERA_FRAMES,
    FACE_FEATURES,
    GALLERY_COMMANDS,
    GALLERY_EVENTS,
    RECOGNITIONS,
    SIGHTINGS,
    VISITS,
)
from tests.kafka.secured import EXPIRED, MUTUAL, OPEN, PLAIN, SCRAM, SecuredKafka, topics_of

pytestmark = [pytest.mark.broker, pytest.mark.usefixtures("log_as_before")]

Environment = Mapping[str, str]
Given = Callable[[Environment], None]

USER = "acme-worker"
WRONG = "not-the-7f3a-word"
TOPICS = topics_of("acme")


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Given:
    """Sets the environment of the commands that follow, and that alone."""
    KeyDirectory.create(tmp_path / "keys")

    def set_environment(environment: Environment) -> None:
        for name in [name for name in os.environ if name.startswith("FACESTREAMS_")]:
            monkeypatch.delenv(name)
        own = {"ACCOUNT": "acme", "PARTITIONS": "2", "KEY_DIR": str(tmp_path / "keys"), "HTTP_PORT": "0"}
        for name, value in {**{f"FACESTREAMS_{name}": value for name, value in own.items()}, **environment}.items():
            monkeypatch.setenv(name, value)

    return set_environment


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "gwen.jpg"
    path.write_bytes(enrollment_picture(CAST[0]))
    return path


@pytest.fixture
def commands(picture: Path) -> dict[str, tuple[str, ...]]:
    """All that reach the broker, but for `topics new-epoch`: see its own test."""
    enrollment = ("--consent", "form-7", "--consent-basis", "of_age", "--timeout", "5")
    return {
        "worker": ("worker",),
        "topics create": ("topics", "create"),
        "topics verify": ("topics", "verify"),
        "topics show": ("topics", "show"),
        "topics mend": ("topics", "mend"),
        "publish": ("publish", str(picture), "--camera", "lobby"),
        "enroll": ("enroll", "gwen", str(picture), *enrollment),
        "forget": ("forget", "gwen", "--timeout", "5"),
        "persons": ("persons",),
        "watch": ("watch",),
    }


def changed(environment: Environment, **settings: str | Path) -> Environment:
    return {**environment, **{f"FACESTREAMS_{name}": str(value) for name, value in settings.items()}}


Case = tuple[Environment, str]


def wrong_password(secured: SecuredKafka) -> Case:
    path = secured.password_file("nobody", WRONG)
    return changed(secured.environment(USER, SCRAM), SASL_PASSWORD_FILE=path), (
        f"unknown user {USER} or wrong password (SCRAM-SHA-512): check FACESTREAMS_SASL_USERNAME and what "
        "FACESTREAMS_SASL_PASSWORD_FILE holds"
    )


def unknown_user(secured: SecuredKafka) -> Case:
    return changed(secured.environment(USER, PLAIN), SASL_USERNAME="nobody"), (
        "unknown user nobody or wrong password (PLAIN): check FACESTREAMS_SASL_USERNAME and what "
        "FACESTREAMS_SASL_PASSWORD_FILE holds"
    )


def mechanism_not_enabled(secured: SecuredKafka) -> Case:
    return changed(secured.environment(USER, SCRAM), SASL_MECHANISM="PLAIN"), (
        "PLAIN is not enabled at this port: FACESTREAMS_SASL_MECHANISM must name one that is"
    )


def the_brokers_certificate_has_expired(secured: SecuredKafka) -> Case:
    return secured.environment(USER, EXPIRED), "its certificate has expired: have it renewed"


def the_brokers_certificate_is_of_another_authority(secured: SecuredKafka) -> Case:
    return changed(secured.environment(USER, SCRAM), TLS_CA_FILE=secured.certificates.other_ca_file), (
        "its certificate is of an authority that is not trusted here: name it in FACESTREAMS_TLS_CA_FILE"
    )


def our_certificate_is_of_another_authority(secured: SecuredKafka) -> Case:
    path = secured.certificates.issue(USER, of_another=True)
    return changed(secured.environment(USER, MUTUAL), TLS_CERT_FILE=path, TLS_KEY_FILE=path), (
        f"it does not accept our certificate CN={USER}"
    )


def no_certificate_of_ours(secured: SecuredKafka) -> Case:
    return changed(secured.environment(USER, MUTUAL), TLS_CERT_FILE="", TLS_KEY_FILE=""), (
        "it asks for a certificate of ours: set FACESTREAMS_TLS_CERT_FILE and FACESTREAMS_TLS_KEY_FILE"
    )


def tls_to_a_port_without(secured: SecuredKafka) -> Case:
    return changed(secured.environment(USER, SCRAM), BOOTSTRAP_SERVERS=secured.kafka.bootstrap(OPEN)), (
        "this port does not speak TLS, FACESTREAMS_SECURITY_PROTOCOL is SASL_SSL: name its TLS port"
    )


def no_tls_to_a_port_with(secured: SecuredKafka) -> Case:
    return changed({}, BOOTSTRAP_SERVERS=secured.kafka.bootstrap(SCRAM)), (
        "this port speaks TLS: set FACESTREAMS_SECURITY_PROTOCOL to SSL or SASL_SSL"
    )


def no_password_to_a_port_that_wants_one(secured: SecuredKafka) -> Case:
    return changed(secured.environment(USER, MUTUAL), BOOTSTRAP_SERVERS=secured.kafka.bootstrap(SCRAM)), (
        "it closed the connection after the first request, as one does that wants a user and a password: set "
        "FACESTREAMS_SECURITY_PROTOCOL to SASL_SSL"
    )


def a_password_to_a_port_that_takes_none(secured: SecuredKafka) -> Case:
    path = secured.certificates.issue(USER)
    environment = changed(secured.environment(USER, SCRAM), BOOTSTRAP_SERVERS=secured.kafka.bootstrap(MUTUAL))
    return changed(environment, TLS_CERT_FILE=path, TLS_KEY_FILE=path), (
        "this port takes no password: set FACESTREAMS_SECURITY_PROTOCOL to SSL, or name its SASL port"
    )


def no_rights_at_all(secured: SecuredKafka) -> Case:
    return secured.environment("newcomer", SCRAM), "User:newcomer lacks "


CASES = (
    wrong_password,
    unknown_user,
    mechanism_not_enabled,
    the_brokers_certificate_has_expired,
    the_brokers_certificate_is_of_another_authority,
    our_certificate_is_of_another_authority,
    no_certificate_of_ours,
    tls_to_a_port_without,
    no_tls_to_a_port_with,
    no_password_to_a_port_that_wants_one,
    a_password_to_a_port_that_takes_none,
    no_rights_at_all,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_cause_is_named(
    secured: SecuredKafka,
    given: Given,
    commands: dict[str, tuple[str, ...]],
    capsys: pytest.CaptureFixture[str],
    case: Callable[[SecuredKafka], Case],
) -> None:
    environment, words = case(secured)
    given(environment)
    for name, arguments in commands.items():
        code = run(arguments)
        out, err = capsys.readouterr()
        servers = environment["FACESTREAMS_BOOTSTRAP_SERVERS"]
        assert (name, code, out) == (name, ExitCode.DEPLOYMENT, "")
        assert err.startswith(f"facestreams: the Kafka broker at {servers} refused: {words}")
        assert len(err.splitlines()) == 1
        assert not [secret for secret in (WRONG, *secured.passwords.values()) if secret in err]


def test_a_certificate_of_ours_that_has_expired_is_found_before_it_is_shown(
    secured: SecuredKafka, given: Given, commands: dict[str, tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    path = secured.certificates.issue(USER, expired=True)
    given(changed(secured.environment(USER, MUTUAL), TLS_CERT_FILE=path, TLS_KEY_FILE=path))
    for arguments in commands.values():
        assert run(arguments) == ExitCode.DEPLOYMENT
        err = capsys.readouterr().err
        assert err.startswith("facestreams: FACESTREAMS_TLS_CERT_FILE: expected a certificate that holds now, found ")
        assert len(err.splitlines()) == 1


def without(rights: tuple[Right, ...], name: str, operation: Operation) -> list[Right]:
    return [
        Right(right.resource, right.name, tuple(each for each in right.operations if each is not operation))
        if right.name == name
        else right
        for right in rights
    ]


def test_a_worker_says_which_rights_it_lacks(
    secured: SecuredKafka, given: Given, capsys: pytest.CaptureFixture[str]
) -> None:
    full = rights_of(Role.WORKER, TOPICS)
    half = without(full, TOPICS.name(RECOGNITIONS), Operation.WRITE)
    half = without(tuple(half), TOPICS.name(VISITS), Operation.DESCRIBE_CONFIGS)
    half = [right for right in half if right.name != TOPICS.name(FACE_FEATURES)]
    half += on_topics(TOPICS, {RECOGNITIONS: (Operation.DESCRIBE,)})  # of a topic that is hidden all rights are missing
    group = TOPICS.name("workers")
    groupless = [Right("group", group, (Operation.DESCRIBE,)) if right.name == group else right for right in full]
    idless = [right for right in full if right.name != transactional_id(TOPICS, 1)]
    asyncio.run(secured.allow({"half-a-worker": half, "groupless-worker": groupless, "idless-worker": idless}))
    end = ": `facestreams rights worker` prints the commands that give what is needed\n"

    given(secured.environment("half-a-worker", SCRAM))
    assert run(["worker"]) == ExitCode.DEPLOYMENT
    assert capsys.readouterr().err.endswith(
        "refused: User:half-a-worker lacks "
        "Read and Write and DescribeConfigs on topic facestreams.acme.face-features; "
        "Write on topic facestreams.acme.recognitions; "
        "DescribeConfigs on topic facestreams.acme.visits" + end
    )

    given(secured.environment("groupless-worker", SCRAM))
    assert run(["worker"]) == ExitCode.DEPLOYMENT
    assert capsys.readouterr().err.endswith(
        "refused: User:groupless-worker lacks Read on group facestreams.acme.workers" + end
    )

    given(secured.environment("idless-worker", SCRAM))
    assert run(["worker"]) == ExitCode.DEPLOYMENT
    assert capsys.readouterr().err.endswith(
        "refused: User:idless-worker lacks Describe and Write on transactional-id"
        " facestreams.acme.gallery-commands.1" + end
    )


def test_programs_outside_say_which_rights_they_lack(
    secured: SecuredKafka, given: Given, commands: dict[str, tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Describing is not doing: a topic that may be seen is not yet one that may be written or read."""
    seen = dict.fromkeys((CAMERA_FRAMES, GALLERY_EVENTS, FACE_FEATURES, SIGHTINGS), (Operation.DESCRIBE,))
    seen[GALLERY_COMMANDS] = (Operation.WRITE,)
    asyncio.run(secured.allow({"half-an-admin": on_topics(TOPICS, seen)}))
    given(secured.environment("half-an-admin", SCRAM))
    for name, missing in {
        "publish": "Write on topic facestreams.acme.camera-frames: `facestreams rights camera`",
        "enroll": "Read on topic facestreams.acme.gallery-events: `facestreams rights gallery-admin`",
        "persons": "Read on topic facestreams.acme.face-features: `facestreams rights gallery-admin`",
        "watch": "Read on topic facestreams.acme.sightings: `facestreams rights consumer`",
    }.items():
        assert run(commands[name]) == ExitCode.DEPLOYMENT
        assert capsys.readouterr().err.endswith(
            f"refused: User:half-an-admin lacks {missing} prints the commands that give what is needed\n"
        )


def test_a_new_epoch_is_not_drawn_by_who_may_not(
    secured: SecuredKafka, given: Given, capsys: pytest.CaptureFixture[str]
) -> None:
    given(secured.environment("newcomer", SCRAM))
    assert run(["topics", "new-epoch", "camera-frames"]) == ExitCode.DEPLOYMENT
    assert capsys.readouterr().err.endswith(
        "refused: a right on topic facestreams.acme.control is missing: "
        "`facestreams rights` prints what each role needs\n"
    )


def test_help_shows_no_secret(secured: SecuredKafka, given: Given, capsys: pytest.CaptureFixture[str]) -> None:
    given(secured.environment(USER, SCRAM))
    for arguments in (["--help"], ["worker", "--help"], ["rights", "worker", "--principal", "User:w"]):
        assert run(arguments) == ExitCode.DONE
        out, err = capsys.readouterr()
        assert secured.passwords[USER] not in out + err
