"""Whether what is imported is ours: `models` and `streams` are common names."""

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
