import json
import logging
import os
import subprocess
import sys

import pytest
import structlog

from streams.cli.logging_setup import set_up_log


def test_an_event_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_log("info")

    structlog.get_logger("any").info("frame refused", camera_id="lobby", size=3)

    line = json.loads(capsys.readouterr().err)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"level": "info", "event": "frame refused", "camera_id": "lobby", "size": 3}


def test_an_event_says_whose_worker_it_is_of(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_log("info", "acme")

    structlog.get_logger("any").info("frame refused", size=3)
    structlog.get_logger("any").info("of another", account="zoo")

    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["account"], line["event"]) for line in said] == [("acme", "frame refused"), ("zoo", "of another")]


def test_bytes_are_replaced_by_their_number(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_log("info")

    structlog.get_logger("any").info("odd", picture=b"\xff\xd8secret", view=memoryview(b"secret"))

    line = json.loads(capsys.readouterr().err)
    assert (line["picture"], line["view"]) == ("<8 bytes>", "<6 bytes>")


@pytest.mark.parametrize("terminal", [False, True])
def test_a_trace_shows_no_local_variable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    set_up_log("info")

    def refuse(picture: bytes) -> None:
        raise ValueError(f"{len(picture)} bytes")

    try:
        refuse(bytes.fromhex("464143452d464143452d46414345"))
    except ValueError:
        structlog.get_logger("any").exception("failed")

    written = capsys.readouterr().err
    assert "ValueError" in written
    assert "14 bytes" in written
    assert "FACE-FACE" not in written


def test_levels_below_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_log("warning")

    structlog.get_logger("any").info("quiet")
    structlog.get_logger("any").warning("loud")

    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["loud"]


def test_debug_does_not_reach_the_kafka_client(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_log("debug")

    logging.getLogger("aiokafka.producer.producer").debug("Sending value=%s", b"picture")
    logging.getLogger("aiokafka.client").warning("away")

    assert capsys.readouterr().err == "WARNING aiokafka.client: away\n"


def test_a_developer_s_log_shows_no_picture() -> None:
    script = (
        "from streams.cli.logging_setup import set_up_log; set_up_log('debug')\n"
        "from faust.transport import consumer; from mode.utils.logging import CompositeLogger\n"
        "log = CompositeLogger(consumer.logger)\n"
        "log.dev('DROPPED MESSAGE ROFF %r: k=%r v=%r', 7, b'lobby', b'FACE'); log.warning('awake')"
    )

    ended = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | {"DEVLOG": "1"}, capture_output=True, text=True, check=True
    )

    assert ended.stderr == "WARNING faust.transport.consumer: awake\n"
