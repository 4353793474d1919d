"""Whether what is imported is ours: `models` and `streams` are common names, and OpenCV comes in two wheels."""

import importlib.metadata
import importlib.util
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]


class ShadowedPackageError(Exception):
    """Another package stands where one of ours is expected. Stops the start."""


def require_own_packages(names: tuple[str, ...] = ("streams", "models"), root: Path = ROOT) -> None:
    """Raise ShadowedPackageError unless these packages are the ones beside this file; imports nothing."""
    for name in names:
        expected = root / name / "__init__.py"
        spec = importlib.util.find_spec(name)
        found = None if spec is None or spec.origin is None else Path(spec.origin).resolve()
        if found != expected:
            raise ShadowedPackageError(
                f"package {name}: expected {expected}, found {found or 'nothing'}; "
                "another package of that name comes first on Python's path"
            )


def second_opencv() -> str | None:
    """What to do about an opencv-python beside opencv-python-headless; None if all is well.

    Both write the same folder, so that whichever was installed last decides what is imported.
    """
    try:
        importlib.metadata.distribution("opencv-python")
    except importlib.metadata.PackageNotFoundError:
        return None
    return (
        "opencv-python is installed beside opencv-python-headless: "
        "run `pip uninstall -y opencv-python` and `pip install --no-deps --force-reinstall opencv-python-headless`"
    )
