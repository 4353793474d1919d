"""What is compared: a system is told whom to know, and then shown a clip."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from clips import Clip

from streams.demo.truth import BoxLTWH

Named = tuple[BoxLTWH, str | None]
"""A face's box in fractions of its frame, and the name that is stated, None for none."""

Names = Mapping[tuple[str, int], tuple[Named, ...]]
"""The faces of a frame by camera and number."""


@dataclass(frozen=True, slots=True)
class Run:
    """A clip, seen once.

    fps: frames a second, from JPEG bytes to names. encodings: faces that were encoded, a frame's share in
    clips that were shown several times over. names: what was said.
    """

    fps: float
    encodings: float
    names: Names

    @property
    def named(self) -> int:
        """Face-frames that bear a name."""
        return sum(name is not None for faces in self.names.values() for _, name in faces)


class System(Protocol):
    """One way to recognise faces in moving pictures."""

    name: str

    def run(self, clip: Clip) -> Run:
        """Enroll the clip's people, then recognise each of its frames as fast as it can; enrolling is not timed."""
        ...
