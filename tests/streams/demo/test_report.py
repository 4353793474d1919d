import json
from dataclasses import replace

import pytest
from rich.console import Console

from streams.demo.judge import Fault, Judgement, PersonTally
from streams.demo.report import HONESTY, Latency, Summary, count_answers, render, to_json, write_json

GOOD = Summary(
    Judgement(
        frames_published=30,
        frames_missing=(),
        wrong_names=(),
        strangers_named=(),
        persons=(PersonTally("ada", 20, 18, 2, 2), PersonTally("ben", 0, 0, 0, 0)),
        enrolled_faces={"matched": 18, "pending": 2},
        stranger_faces={"unknown": 10},
    ),
    elapsed_s=2.0,
    latency=Latency(12.0, 31.5),
    answers={"exact": 5, "hnsw": 3},
)


def with_(**changes) -> Summary:
    return replace(GOOD, judgement=replace(GOOD.judgement, **changes))


def text_of(summary: Summary) -> str:
    console = Console(width=100)
    with console.capture() as captured:
        console.print(render(summary))
    return captured.get()


def test_a_good_run_exits_with_0_and_says_so() -> None:
    assert GOOD.exit_code == 0
    assert GOOD.faults == ()
    assert "no stranger named" in text_of(GOOD)


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        (with_(frames_published=0), "no frame was published"),
        (with_(frames_missing=("lobby-00003",)), "1 frames were not recognised: lobby-00003"),
        (with_(wrong_names=(Fault("gate-00001", "ben", "ada"),)), "1 wrong names: ben for ada in gate-00001"),
        (with_(strangers_named=(Fault("v1", "ben", None),)), "1 strangers named: ben for nobody in v1"),
        (with_(persons=(PersonTally("ada", 20, 0, 2, 0),)), "never found: ada"),
    ],
)
def test_each_fault_exits_with_1_and_is_told(summary: Summary, words: str) -> None:
    assert summary.exit_code == 1
    assert summary.faults == (words,)
    assert words in text_of(summary)


def test_who_is_hardly_in_view_need_not_be_found() -> None:
    assert with_(persons=(PersonTally("ada", 9, 0, 1, 0),)).exit_code == 0


def test_many_faults_are_cut_short() -> None:
    (line,) = with_(frames_missing=tuple(f"f{n}" for n in range(8))).faults
    assert line == "8 frames were not recognised: f0, f1, f2, f3, f4 and 3 more"


def test_the_json_has_the_known_keys(tmp_path) -> None:
    path = tmp_path / "build" / "demo.json"
    write_json(with_(frames_missing=("lobby-00003",)), path)
    told = json.loads(path.read_text())
    assert told == to_json(with_(frames_missing=("lobby-00003",)))
    assert told["frames_published"] == 30
    assert told["frames_recognised"] == 29
    assert told["wrong_names"] == told["strangers_named"] == 0
    assert told["persons_expected"] == told["persons_found"] == 1
    assert told["fps"] == 14.5
    assert told["latency_ms"] == {"p50": 12.0, "p95": 31.5}
    assert told["answers"] == {"exact": 5, "hnsw": 3}
    assert told["persons"]["ada"] == {"face_frames": 20, "named": 18, "visits": 2, "sightings": 2}
    assert told["note"] == HONESTY


def test_a_run_in_which_nothing_came_back_has_no_latency_and_no_rate() -> None:
    summary = Summary(GOOD.judgement, 0.0, Latency.of([]), {"exact": 0, "hnsw": 0})
    assert to_json(summary)["latency_ms"] == {"p50": None, "p95": None}
    assert to_json(summary)["fps"] == 0.0
    assert "latency" in text_of(summary)


def test_latency_is_told_by_its_percentiles() -> None:
    assert Latency.of(list(range(1, 102))) == Latency(51.0, 96.0)


def test_the_text_holds_the_figures_and_what_they_do_not_show() -> None:
    text = " ".join(text_of(GOOD).split())
    for words in ("30 of 30 recognised", "15.0 frames/s", "p50 12 ms", "5 by exact, 3 by hnsw", "90% matched"):
        assert words in text
    assert HONESTY in text


def test_an_answer_is_counted_once_a_track_and_encoding(recognition) -> None:
    box = (0.1, 0.1, 0.2, 0.2)
    told = [
        recognition("lobby-00000", (box, "pending", None), searched=None),
        recognition("lobby-00001", (box, "matched", "ada")),
        recognition("lobby-00002", (box, "matched", "ada")),
        recognition("lobby-00003", (box, "matched", "ada"), encoded_at="e2", searched="hnsw"),
        recognition("gate-00003", (box, "matched", "ada"), camera_id="gate"),
    ]
    assert count_answers(told) == {"exact": 2, "hnsw": 1}
