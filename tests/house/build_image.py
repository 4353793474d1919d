"""`make image`: the Dockerfile's steps without Docker, in an empty directory that stands for the image's root.

What it cannot do is said: the base images and the user's entry are not there, and a Python of this machine stands for
theirs. Then the command is run as the user without rights, with nothing but the environment that the Dockerfile sets.
"""

import argparse
import fnmatch
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.house.containers import ROOT, stages

OURS: Final = re.compile(r"(?<![\w.])(/opt\b|/wheels|/source|/var/lib/facestreams)")
"""Paths of the Dockerfile that are ours: they are moved into the directory."""

UNPRIVILEGED: Final = ("setpriv", "--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all")


class Image:
    """What the steps work on. environment: what ENV has set, and a PATH to Python."""

    def __init__(self, root: Path, python: Path) -> None:
        """root: stands for /. python: stands for the base images' own."""
        self._root = root
        self._workdir = root
        self._programs = root / "programs"
        self._programs.mkdir(parents=True)
        # no link: Python would look for its library beside it
        (self._programs / "python").write_text(f'#!/bin/sh\nexec {shlex.quote(str(python))} "$@"\n')
        (self._programs / "python").chmod(0o755)
        self._python = python
        (root / "home").mkdir()
        self._bare = {"PATH": f"{self._programs}:{os.defpath}", "HOME": str(root / "home")}
        self.environment = dict(self._bare)
        self.user = 0

    def carry_out(self, word: str, text: str) -> str | None:
        """One instruction; why it was not, if it could not be. Raises CalledProcessError if a command fails."""
        match word:
            case "FROM":
                self.environment = dict(self._bare)
            case "WORKDIR":
                self._workdir = Path(self._moved(text))
                self._workdir.mkdir(parents=True, exist_ok=True)
            case "ENV":
                self._set(text)
            case "COPY" if not text.startswith("--from="):
                self._copy(shlex.split(text))
            case "COPY":
                return "one directory stands for all stages"
            case "USER" if os.getuid() != 0:
                return "only root may become somebody else"
            case "USER" if not open_to_all(self._python):
                return f"{self._python} is closed to other users; name another --python"
            case "USER":
                self.user = int(text)
            case "RUN" if text.startswith("useradd"):
                return "it would change this machine's users"
            case "RUN":
                command = ["/bin/sh", "-c", self._moved(text)]
                subprocess.run(command, cwd=self._workdir, env=self.environment, check=True)
        return None

    def run(self, *command: str) -> str:
        """What a command of the finished image writes, run by its user. Raises CalledProcessError."""
        drop = (*UNPRIVILEGED, f"--reuid={self.user}", f"--regid={self.user}") if self.user else ()
        found = shutil.which(command[0], path=self.environment["PATH"])
        if found is None:
            raise FileNotFoundError(f"the image has no {command[0]}")
        return subprocess.run(
            [*drop, found, *command[1:]], cwd="/", env=self.environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    def _moved(self, text: str) -> str:
        return OURS.sub(lambda found: f"{self._root}{found[0]}", text)

    def _set(self, text: str) -> None:
        for pair in shlex.split(text):
            name, _, value = pair.partition("=")
            self.environment[name] = self._moved(value).replace("$PATH", self.environment["PATH"])

    def _copy(self, words: Sequence[str]) -> None:
        *sources, target = words
        into = self._workdir / self._moved(target)
        for source in sources:
            path = ROOT / source
            if not in_context(source):
                raise FileNotFoundError(f"{source} is not in the build's context: see .dockerignore")
            if path.is_dir():
                shutil.copytree(path, into, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(path, into / path.name if target.endswith("/") else into)


def in_context(source: str) -> bool:
    """Whether .dockerignore lets a file or directory of the top level into the build; the last line that fits says."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    taken = True
    for line in lines:
        pattern = line.removeprefix("!").rstrip("/")
        if line and not line.startswith("#") and fnmatch.fnmatchcase(source, pattern):
            taken = line.startswith("!")
    return taken


def open_to_all(path: Path) -> bool:
    """Whether every user may come to this file and run it."""
    return all(each.stat().st_mode & stat.S_IXOTH for each in (path, *path.parents))


def build(root: Path, python: Path) -> Image:
    """Every step of every stage, said before it is done."""
    image = Image(root, python)
    for stage in stages():
        for word, text in stage:
            print(f"{word} {text[:110]}", flush=True)
            if (why := image.carry_out(word, text)) is not None:
                print(f"  not done: {why}")
    return image


def look(image: Image) -> Mapping[str, str]:
    """What the finished image says of itself when its user asks."""
    ask = "from pathlib import Path; import os; from models.packs import load_pack; "
    ask += "print(load_pack('opencv-zoo', Path(os.environ['FACESTREAMS_CACHE_DIR'])).model_version)"
    return {
        "version": image.run("facestreams", "--version").strip(),
        "pack": image.run("python", "-c", ask).strip(),
        "keys": image.run("facestreams", "keys", "new", "--help").splitlines()[1].strip(),
    }


def main(arguments: Sequence[str]) -> int:
    """Build, look, and leave the directory only if one was named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, help="keeps what is built; must not exist yet")
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="stands for the base images' own")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="facestreams-image-") as passing:
        Path(passing).chmod(0o755)
        root = given.directory.absolute() if given.directory else Path(passing) / "root"
        image = build(root, given.python.resolve())
        for name, said in look(image).items():
            print(f"{name}: {said}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
