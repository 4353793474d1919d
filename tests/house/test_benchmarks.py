"""What the benchmark counts. Its programs are run as scripts, so that their folder is put on the path here."""

import sys
from pathlib import Path

import pytest

HERE, THERE, ELSEWHERE = (0.1, 0.1, 0.2, 0.2), (0.6, 0.1, 0.2, 0.2), (0.1, 0.7, 0.2, 0.2)


@pytest.fixture
def benchmarks(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(root / "tests" / "benchmarks"), *sys.path])


@pytest.mark.usefixtures("benchmarks")
@pytest.mark.parametrize(
    ("said", "share"),
    [
        ([(HERE, "ada"), (THERE, None)], 1.0),
        ([(HERE, "ada")], 1.0),
        ([(HERE, "ben"), (THERE, None)], 0.5),
        ([(HERE, "ada"), (THERE, "ben")], 0.5),
        ([(ELSEWHERE, "ada")], 0.5),
        ([], 0.5),
    ],
)
def test_agreement_is_the_share_of_face_frames_with_the_same_name_none_included(said, share) -> None:
    from agreement import agreement

    reference = {("lobby", 0): ((HERE, "ada"), (THERE, None))}
    assert agreement({("lobby", 0): tuple(said)}, reference) == share


@pytest.mark.usefixtures("benchmarks")
def test_a_reference_that_sees_nobody_says_nothing() -> None:
    from agreement import agreement

    assert agreement({}, {("lobby", 0): ()}) is None


@pytest.mark.usefixtures("benchmarks")
def test_the_kernels_share_is_of_the_first_clip_and_opencvs_row_is_its_faster_one() -> None:
    import run

    def row(clip: str, system: str, fps: float) -> run.Row:
        return run.Row(clip=clip, system=system, fps=fps, encodings=1, named=1, agreement=1.0)

    rows = [
        row("demo", "reference", 1),
        row("demo", "opencv 1", 20),
        row("demo", "opencv 2", 30),
        row("demo", "facestreams", 150),
        row("demo", "kernels", 300),
        row("other", "facestreams", 1),
        row("other", "kernels", 1),
    ]
    assert run._kernel_share(rows) == 0.5
    assert [(each["system"], each["fps"]) for each in run._best_of_threads(rows[:4])] == [
        ("reference", 1),
        ("opencv", 30),
        ("facestreams", 150),
    ]
