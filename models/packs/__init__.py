"""Where the networks come from. A pack is named in the settings and loaded here."""

from pathlib import Path

from models.errors import PackError
from models.packs import insightface, opencv_zoo
from models.packs.base import Pack

__all__ = ["Pack", "load_pack"]


def load_pack(spec: str, cache_dir: Path) -> Pack:
    """The pack that `spec` names: `opencv-zoo`, or `insightface:` and the name or directory of one of its packs.

    Networks are prepared or downloaded into `cache_dir` if they are not there yet; a directory is used as it is.
    Raises PackError for anything else, and for files that are missing or altered.
    """
    kind, _, rest = spec.partition(":")
    if spec == opencv_zoo.NAME:
        return opencv_zoo.load(cache_dir)
    if kind == insightface.KIND and rest:
        return insightface.load(rest, cache_dir)
    raise PackError(f"model pack: expected {opencv_zoo.NAME} or {insightface.KIND}:<name or directory>, found {spec!r}")
