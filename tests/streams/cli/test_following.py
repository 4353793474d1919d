"""`facestreams log --follow`: what it needs, and what it keeps."""

import time
from pathlib import Path

import pytest

from models.gallery.keys import KeyDirectory
from streams.cli import running_log
from streams.cli.exit_codes import ExitCode
from streams.cli.running_log import _Keyring
from streams.edge import broker
from streams.edge.errors import BrokerRefusedError
from streams.settings import Settings
from streams.wire.records import RunningLogEntry, SealedPerson
from streams.wire.rights import Role
from streams.wire.topics import RUNNING_LOG


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[_Keyring]:
    """How often keys were read; there are none."""
    found: list[_Keyring] = []

    async def read(keyring: _Keyring) -> None:
        keyring._read_at_ms = time.time_ns() // 1_000_000
        found.append(keyring)

    monkeypatch.setattr(_Keyring, "read", read)
    return found


def entry(*locators: str) -> RunningLogEntry:
    return RunningLogEntry(
        event_id="0a0b0c0d-camera-frames-0-0",
        request_interface="recognize",
        account="main",
        app_id="77",
        uin=None,
        sub_uin=None,
        region="eu",
        request_ip=None,
        request_id=None,
        camera_id="lobby",
        gallery="default",
        requested_at_ms=1,
        accessed_at_ms=2**50,
        billed=True,
        return_code="ok",
        persons=[SealedPerson(locator=locator, text="") for locator in locators],
        results=[],
    )


def test_what_is_followed_has_no_end(facestreams) -> None:
    code, _, err = facestreams("log", "--follow", "--to", "2026-11-02")
    assert code == ExitCode.USAGE
    assert "Invalid value for --to: expected none with --follow" in err


def test_a_right_that_is_missing_is_named_before_anything_is_read(
    facestreams, readings: list[_Keyring], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_connection, _topics, role: Role, *shorts: str) -> None:
        assert (role, shorts) == (Role.AUDITOR, (RUNNING_LOG,))
        raise BrokerRefusedError("kafka:9092", RuntimeError("it lacks Read"))

    monkeypatch.setattr(broker, "require_topics", refuse)
    KeyDirectory.create(tmp_path / "keys")
    code, _, err = facestreams("--key-dir", tmp_path / "keys", "log", "--follow")
    assert (code, err) == (ExitCode.DEPLOYMENT, "facestreams: the Kafka broker at kafka:9092 refused: it lacks Read\n")


async def test_keys_are_read_once_for_whom_none_is_found_and_not_all_are_remembered(
    readings: list[_Keyring], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running_log, "MOST_IN_VAIN", 2)
    keyring = _Keyring(Settings.from_environment({"HOME": "/"}), lambda _value, _key: None)
    for locator in ("a", "b", "a", "b"):
        await keyring.read_for(entry(locator))
    assert len(readings) == 2
    await keyring.read_for(entry("c"))
    await keyring.read_for(entry("b", "c"))
    assert len(readings) == 3
    await keyring.read_for(entry("a"))
    assert len(readings) == 4
    assert len(keyring._in_vain) == 2
