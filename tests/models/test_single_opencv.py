from email.message import Message

import pytest

from models import single_opencv
from models.errors import PackError
from models.single_opencv import check_single_opencv


class StubDistribution:
    def __init__(self, name: str) -> None:
        self.metadata = Message()
        self.metadata["Name"] = name


def install(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(single_opencv, "distributions", lambda: [StubDistribution(name) for name in names])


@pytest.mark.parametrize("names", [["opencv-python-headless", "numpy"], ["opencv_python_headless"]])
def test_the_headless_one_alone_is_right(monkeypatch: pytest.MonkeyPatch, names: list[str]) -> None:
    install(monkeypatch, *names)
    check_single_opencv()


def test_this_environment_is_right() -> None:
    check_single_opencv()


def test_two_are_refused_with_the_way_to_mend_it(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "opencv-python-headless", "OpenCV_Python")
    with pytest.raises(PackError) as caught:
        check_single_opencv()
    assert str(caught.value) == (
        "opencv-python and opencv-python-headless installed, expected opencv-python-headless alone; mend it with: "
        "pip uninstall -y opencv-python && pip install --force-reinstall --no-deps opencv-python-headless"
    )


def test_another_one_alone_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "opencv-contrib-python", "opencv-python")
    with pytest.raises(PackError, match="opencv-contrib-python and opencv-python installed"):
        check_single_opencv()
