"""Only one OpenCV may be installed: the packages write the same folder, and the one with windows needs a display."""

from importlib.metadata import distributions

from models.errors import PackError

WANTED = "opencv-python-headless"
_OTHERS = frozenset({"opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless"})


def check_single_opencv() -> None:
    """Raise PackError, saying how to mend it, if another package of OpenCV is installed beside the headless one.

    insightface asks for opencv-python, so a plain `pip install` brings both, and which of them is imported depends
    on the order in which they were unpacked.
    """
    installed = {(distribution.metadata["Name"] or "").lower().replace("_", "-") for distribution in distributions()}
    others = sorted(_OTHERS & installed)
    if others:
        both = " and ".join([*others, WANTED] if WANTED in installed else others)
        raise PackError(
            f"{both} installed, expected {WANTED} alone; mend it with: pip uninstall -y {' '.join(others)}"
            f" && pip install --force-reinstall --no-deps {WANTED}"
        )
