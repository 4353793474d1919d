from rich.console import Console

from streams.demo.live import CameraState, after, in_view, live_table

LEFT, MIDDLE, RIGHT = (0.1, 0.1, 0.1, 0.1), (0.4, 0.1, 0.1, 0.1), (0.7, 0.1, 0.1, 0.1)


def test_faces_are_named_from_left_to_right(recognition) -> None:
    said = recognition(
        "lobby-00000",
        (RIGHT, "unknown", None),
        (MIDDLE, "matched", "ada"),
        (LEFT, "pending", None),
        ((0.2, 0.5, 0.1, 0.1), "rejected", None),
    )
    assert in_view(said) == ("...", "ada", "unknown")


def test_a_recognition_moves_its_camera_on(recognition) -> None:
    state = after(CameraState("lobby", published=9, recognised=4), recognition("x", (LEFT, "matched", "ada")))
    assert state == CameraState("lobby", published=9, recognised=5, in_view=("ada",))


def test_the_table_shows_cameras_counts_and_rate() -> None:
    cameras = [CameraState("lobby", 40, 30, ("ada", "unknown")), CameraState("gate", 20, 10)]
    console = Console(width=100)
    with console.capture() as captured:
        console.print(live_table(cameras, 2.0))
    text = captured.get()
    assert "2 cameras, 20 frames/s" in text
    lobby = next(line for line in text.splitlines() if "lobby" in line)
    assert "40" in lobby
    assert "30" in lobby
    assert "ada, unknown" in lobby
    assert "nobody" in next(line for line in text.splitlines() if "gate" in line)


def test_a_table_before_the_first_second_has_no_rate() -> None:
    assert live_table([], 0.0).title == "0 cameras, 0 frames/s"
