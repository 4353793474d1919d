"""The demo itself, in short: a broker, a worker process, three cameras, and every answer right."""

import json

import pytest

from streams.demo.run import run_demo

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]


def test_a_short_demo_recognises_every_frame_names_nobody_wrongly_and_says_so(tmp_path, capsys) -> None:
    report = tmp_path / "build" / "demo.json"
    assert run_demo(report=report, seconds=6) == 0
    said = json.loads(report.read_text())
    assert (said["frames_published"], said["frames_recognised"]) == (270, 270)
    assert (said["wrong_names"], said["strangers_named"], said["faults"]) == (0, 0, [])
    assert said["persons_found"] == said["persons_expected"] >= 3
    assert said["latency_ms"]["p50"] > 0
    assert said["answers"]["hnsw"] > 0
    assert said["answers"]["exact"] > 0
    assert "not how accurate it is" in " ".join(capsys.readouterr().out.split())
