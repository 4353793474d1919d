"""Apache Kafka's jars: resolved by Maven into a cache outside the repository, every file checked by its SHA-256."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
LEAST_JAVA: Final = 17
RESOLVE_S: Final = 600


class KafkaMissingError(Exception):
    """Kafka cannot be run here; the message says what is missing."""


@cache
def classpath() -> str:
    """The class path of the broker and its tools, checked once; Java expands the star. Raises KafkaMissingError."""
    _require_java()
    directory = _cache() / "kafka" / _digest((HERE / "jars.sha256").read_bytes())[:16]
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        jars = directory / "jars"
        if _differences(jars):
            _resolve(directory, jars)
    return f"{jars}/*"


def _cache() -> Path:
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".cache") / "facestreams"


def _resolve(directory: Path, jars: Path) -> None:
    if shutil.which("mvn") is None:
        raise KafkaMissingError("Apache Kafka's jars are not here, and Maven (mvn), which fetches them, is missing")
    shutil.rmtree(jars, ignore_errors=True)
    command = [
        "mvn", "--quiet", "--batch-mode", "--strict-checksums", f"--file={HERE / 'pom.xml'}",
        f"-Dmaven.repo.local={directory / 'repository'}", "-DincludeScope=runtime", f"-DoutputDirectory={jars}",
        "dependency:copy-dependencies",
    ]  # fmt: skip
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=RESOLVE_S)
    if ended.returncode:
        raise KafkaMissingError(f"Maven could not fetch Apache Kafka:\n{(ended.stdout + ended.stderr)[-2000:]}")
    if found := _differences(jars):
        raise KafkaMissingError(f"Apache Kafka's jars are not those of tests/kafka/jars.sha256: {', '.join(found)}")


def _differences(jars: Path) -> list[str]:
    """Names of jars that are missing, too many, or other than the list says."""
    wanted = dict(reversed(line.split()) for line in (HERE / "jars.sha256").read_text("utf-8").splitlines())
    found = {path.name: _digest(path.read_bytes()) for path in jars.glob("*.jar")}
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _require_java() -> None:
    if shutil.which("java") is None:
        raise KafkaMissingError(f"Java is missing: Apache Kafka needs version {LEAST_JAVA} or later")
    said = subprocess.run(["java", "-version"], check=False, capture_output=True, text=True).stderr
    version = said.partition('"')[2].partition(".")[0]
    if not version.isdigit() or int(version) < LEAST_JAVA:
        raise KafkaMissingError(f"Java is too old or unreadable ({said.splitlines()[:1]}): {LEAST_JAVA} is the least")
