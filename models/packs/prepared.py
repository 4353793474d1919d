"""Keeps prepared networks in the cache directory: made once, never half there, checked each time."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import onnx

from models.errors import PackError
from models.packs.base import sha256_of
from models.packs.preparation import PREPARATION_VERSION


def prepared_file(
    source: Path, sha256: str, prepare: Callable[[onnx.ModelProto], onnx.ModelProto], cache_dir: Path
) -> Path:
    """The prepared form of the network in `source`, made now if the cache does not hold it.

    sha256: what `source` must be. The cached file's name carries that, the version of the preparation, and the
    checksum of its own content. Processes may prepare at the same time: each renames a whole file into place.
    Raises PackError if the source or the cached file is not what it should be, or the cache cannot be written.
    """
    prefix = f"{source.stem}-{sha256[:12]}-v{PREPARATION_VERSION}-"
    cached = next(iter(sorted(cache_dir.glob(f"{prefix}*.onnx"))), None)
    if cached is not None:
        _check(cached, cached.stem.removeprefix(prefix), "delete it, and it is made anew")
        return cached
    _check(source, sha256, "reinstall the package that it belongs to")
    return _write(prepare(read_network(source)), cache_dir, prefix)


def read_network(file: Path) -> onnx.ModelProto:
    """The network in an ONNX file. Raises PackError if it is none."""
    try:
        return onnx.load(file, load_external_data=False)
    except Exception as error:  # protobuf's own, which has no types to name it by
        raise PackError(f"{file}: not an ONNX network") from error


def _check(file: Path, expected: str, remedy: str) -> None:
    found = sha256_of(file)
    if found != expected:
        raise PackError(f"{file}: expected SHA-256 {expected}, found {found}; {remedy}")


def _write(model: onnx.ModelProto, cache_dir: Path, prefix: str) -> Path:
    """Write under a name of our own, then rename: a reader sees the whole file or none."""
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=cache_dir, prefix=prefix, suffix=".unfinished")
        unfinished = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(model.SerializeToString(deterministic=True))
                stream.flush()
                os.fsync(stream.fileno())
            return unfinished.rename(cache_dir / f"{prefix}{sha256_of(unfinished)}.onnx")
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise PackError(f"{cache_dir}: cannot keep a prepared network here: {error.strerror}") from error
