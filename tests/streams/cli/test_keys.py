import asyncio
import base64
from pathlib import Path

import pytest

from models.gallery.keys import KeyDirectory
from models.gallery.person import PersonSecret
from streams.cli.exit_codes import ExitCode
from streams.edge.broker import started_producer
from streams.wire import records
from streams.wire.connection import Connection
from streams.wire.feature_keys import FeatureKey
from streams.wire.records import Erasure, ErasureState
from streams.wire.topics import ERASURES, FACE_FEATURES, Topics

NOWHERE = ("--bootstrap-servers", "127.0.0.1:1")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return KeyDirectory.create(tmp_path / "keys").path


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_new_keys_are_listed_and_never_shown(facestreams, tmp_path: Path) -> None:
    directory = tmp_path / "keys"

    code, made, _ = facestreams("--key-dir", directory, "keys", "new")
    assert code == ExitCode.DONE
    code, listed, err = facestreams("--key-dir", directory, "keys", "list", "--offline")
    assert (code, err) == (ExitCode.DONE, "")

    lines = [line.split() for line in made.splitlines()]
    assert [line[0] for line in lines] == ["template", "account", "signing"]
    assert [line.split()[:2] for line in listed.splitlines()] == [[line[2], line[0]] for line in lines]
    assert [line.split()[4] for line in listed.splitlines()] == ["active"] * 3
    public = base64.b64encode(KeyDirectory.open(directory).verify_keys()[lines[2][2]]).decode()
    assert listed.splitlines()[2].endswith(f"active  public {public}")
    secrets = [path.read_text() for path in directory.rglob("*") if path.is_file()]
    assert len(secrets) == 3
    assert all(word not in listed for secret in secrets for word in secret.split('"') if len(word) > 30)


def test_the_accounts_own_directory_is_the_default(facestreams, tmp_path: Path) -> None:
    assert facestreams("--account", "acme", "keys", "new")[0] == ExitCode.DONE

    assert (tmp_path / "data/facestreams/keys/acme").is_dir()


def test_keys_are_never_overwritten(facestreams, directory: Path) -> None:
    before = files(directory)

    code, _, err = facestreams("--key-dir", directory, "keys", "new")

    assert code == ExitCode.DEPLOYMENT
    assert err.count("\n") == 1
    assert files(directory) == before


def test_a_missing_directory_is_said(facestreams, tmp_path: Path) -> None:
    for command in (("list",), ("new", "--kind", "signing"), ("revoke", "tk-1")):
        code, _, err = facestreams("--key-dir", tmp_path / "none", "keys", *command)

        assert code == ExitCode.DEPLOYMENT
        assert str(tmp_path / "none") in err


@pytest.mark.parametrize("kind", ["template", "account", "signing"])
def test_one_more_key_is_the_active_one(facestreams, directory: Path, kind: str) -> None:
    before = files(directory)

    code, out, err = facestreams("--key-dir", directory, "keys", "new", "--kind", kind)

    assert code == ExitCode.DONE
    assert "restart the workers" in err
    added = out.split()[2]
    assert out == f"{kind} key {added} in {directory}\n"
    assert before.items() < files(directory).items()
    listed = facestreams("--key-dir", directory, "keys", "list", "--offline")[1].splitlines()
    states = [line.split()[0:1] + line.split()[4:5] for line in listed if line.split()[1] == kind]
    assert [state for _, state in states] == ["kept", "active"]
    assert states[1][0] == added


def test_a_kind_that_there_is_not_is_a_wrong_command_line(facestreams, directory: Path) -> None:
    before = files(directory)

    code, _, err = facestreams("--key-dir", directory, "keys", "new", "--kind", "master")

    assert code == ExitCode.USAGE
    assert "template, account, signing" in err
    assert files(directory) == before


def test_without_a_broker_the_keys_are_listed_all_the_same(facestreams, directory: Path) -> None:
    code, out, err = facestreams(*NOWHERE, "--key-dir", directory, "keys", "list")

    assert code == ExitCode.DONE
    assert len(out.splitlines()) == 3
    assert err == "what rests on each key is not known: no Kafka broker answers at 127.0.0.1:1\n"


def test_without_a_broker_a_key_is_revoked_with_yes_alone(facestreams, directory: Path) -> None:
    [old, _, _] = KeyDirectory.open(directory).list_keys()
    facestreams("--key-dir", directory, "keys", "new", "--kind", "template")

    code, out, err = facestreams(*NOWHERE, "--key-dir", directory, "keys", "revoke", old.id)
    assert (code, out) == (ExitCode.REFUSED, "")
    assert f"{old.id} is not revoked: nobody can tell what rests on it. With --yes, the features" in err

    code, out, _ = facestreams(*NOWHERE, "--key-dir", directory, "keys", "revoke", old.id, "--yes")
    assert code == ExitCode.DONE
    assert out.startswith(f"{old.id} revoked in {directory}: the features that it made are matched no more")
    assert old.id not in [key.id for key in KeyDirectory.open(directory).list_keys()]


def test_the_last_of_a_kind_is_not_revoked_even_with_yes(facestreams, directory: Path) -> None:
    before = files(directory)
    for key in KeyDirectory.open(directory).list_keys():
        code, _, err = facestreams(*NOWHERE, "--key-dir", directory, "keys", "revoke", key.id, "--yes")

        assert code == ExitCode.DEPLOYMENT
        assert f"run facestreams keys new --kind {key.kind} first" in err
    assert files(directory) == before


def test_a_revoked_signing_key_is_listed_with_its_public_half(facestreams, directory: Path) -> None:
    keys = KeyDirectory.open(directory)
    facestreams("--key-dir", directory, "keys", "new", "--kind", "signing")

    # nothing rests on it, so that no broker is asked
    code, _, _ = facestreams(*NOWHERE, "--key-dir", directory, "keys", "revoke", keys.signing_key_id)
    assert code == ExitCode.DONE

    listed = facestreams("--key-dir", directory, "keys", "list", "--offline")[1].splitlines()
    public = base64.b64encode(keys.verify_keys()[keys.signing_key_id]).decode()
    assert listed[3] == f"{keys.signing_key_id}  signing   revoked, verifies what it signed  public {public}"


@pytest.mark.broker
def test_what_rests_on_a_key_is_counted_and_keeps_it_from_being_revoked(
    facestreams, connection: Connection, topics: Topics, directory: Path
) -> None:
    old = KeyDirectory.open(directory)
    for kind in ("template", "account"):
        facestreams("--key-dir", directory, "keys", "new", "--kind", kind)
    asyncio.run(_enroll(connection, topics, old))

    code, out, err = facestreams("--key-dir", directory, "keys", "list")
    assert (code, err) == (ExitCode.DONE, "")
    resting = {line.split()[0]: line.split("  ")[-1] for line in out.splitlines()}
    assert (resting[old.template_key.id], resting[old.account_key_id]) == ("2 features", "1 persons")
    assert resting["tk-lost"] == "1 can be read by nobody here"
    new = KeyDirectory.open(directory)
    assert (resting[new.template_key.id], resting[new.account_key_id]) == ("0 features", "0 persons")

    code, _, err = facestreams("--key-dir", directory, "keys", "revoke", old.account_key_id)
    assert code == ExitCode.REFUSED
    assert f"{old.account_key_id} is not revoked: 1 persons rest on it." in err
    assert facestreams("--key-dir", directory, "keys", "revoke", new.template_key.id)[0] == ExitCode.DONE


@pytest.mark.broker
def test_an_account_key_stays_while_a_deletion_under_way_names_its_person_under_it(
    facestreams, connection: Connection, topics: Topics, directory: Path
) -> None:
    old = KeyDirectory.open(directory).account_key_id
    facestreams("--key-dir", directory, "keys", "new", "--kind", "account")
    states = {"r1": ["accepted", "completed"], "r2": ["accepted", "tombstoned"], "r3": ["confirmed", None]}
    asyncio.run(_ask_to_forget(connection, topics, states, old))

    for how in ((), ("--yes",)):
        code, out, err = facestreams("--key-dir", directory, "keys", "revoke", old, *how)
        assert (code, out) == (ExitCode.REFUSED, "")
        assert f"{old} is not revoked: 1 deletions under way name their persons under it, and never end" in err
        assert "without it: r2. Wait until each is complete (facestreams receipt show r2 --wait)" in err
    assert old in [key.id for key in KeyDirectory.open(directory).list_keys()]

    asyncio.run(_ask_to_forget(connection, topics, {"r2": ["completed"]}, old))
    assert facestreams("--key-dir", directory, "keys", "revoke", old)[0] == ExitCode.DONE


async def _ask_to_forget(
    connection: Connection, topics: Topics, states: dict[str, list[ErasureState | None]], key_id: str
) -> None:
    """By request id, what erasures says of it; None: that it is erased."""
    producer = await started_producer(connection, max_picture_bytes=1000)
    for request_id, of_one in states.items():
        event_id = f"0a0b0c0d-gallery-commands-0-{request_id[1:]}"
        for state in of_one:
            value = None if state is None else records.encode(_erasure(event_id, request_id, state, key_id))
            await producer.send_and_wait(topics.name(ERASURES), value, key=event_id.encode())
    await producer.stop()


def _erasure(event_id: str, request_id: str, state: ErasureState, key_id: str) -> Erasure:
    return Erasure(
        event_id=event_id,
        request_id=request_id,
        account="main",
        scope="person",
        gallery=None,
        person="0" * 32,
        key_id=key_id,
        state=state,
        requested_at_ms=1,
        updated_at_ms=2,
    )


async def _enroll(connection: Connection, topics: Topics, keys: KeyDirectory) -> None:
    producer = await started_producer(connection, max_picture_bytes=1000)
    reference = "0a" * 16
    place = FeatureKey("default", reference)
    made_with = [("key_id", keys.template_key.id.encode())]
    wrapped = keys.wrap(PersonSecret(keys.new_data_key(), "ada").encode(), place=place.encode())
    for key, value, headers in (
        (place, wrapped, []),
        (FeatureKey("default", reference, "f1"), b"sealed", made_with),
        (FeatureKey("default", reference, "f2"), b"sealed", made_with),
        (FeatureKey("default", reference, "f3"), b"sealed", [("key_id", b"tk-lost")]),
    ):
        await producer.send_and_wait(
            topics.name(FACE_FEATURES), value, key=key.encode(), partition=key.partition(2), headers=headers
        )
    await producer.stop()
