"""docker-compose.yml and the Dockerfile, read; what they hold is checked and run by several tests."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]


def compose() -> Mapping[str, Any]:
    """docker-compose.yml, with its anchors resolved."""
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8")))


def instructions() -> Sequence[tuple[str, str]]:
    """Of the Dockerfile: (instruction, its text) in order, with continued lines joined and comments left out."""
    lines = [line for line in (ROOT / "Dockerfile").read_text("utf-8").splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word, text) for word, _, text in (line.partition(" ") for line in joined.splitlines() if line)]


def stages() -> Sequence[Sequence[tuple[str, str]]]:
    """The Dockerfile's instructions by stage; each begins with its FROM."""
    found: list[list[tuple[str, str]]] = []
    for word, text in instructions():
        if word == "FROM":
            found.append([])
        found[-1].append((word, text))
    return found


def image_environment() -> Mapping[str, str]:
    """What ENV of the last stage sets; a variable in it stands as it is written."""
    return dict(pair.split("=", 1) for word, text in stages()[-1] if word == "ENV" for pair in text.split())
