"""What the audit says of one promise: held is what was seen to hold, never what was not seen."""

from collections import Counter
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Literal

Verdict = Literal["held", "broken", "not_observable"]

IN_WORDS: Final[dict[Verdict, str]] = {
    "held": "held",
    "broken": "broken",
    "not_observable": "not observable from here",
}

MOST_OF_A_KIND: Final = 3
"""Examples that are named of one kind of breach; further ones are counted."""


class Promise(IntEnum):
    """The promises of the data policy, by their numbers."""

    NO_IMAGE_AT_REST = 1
    SEALED_FEATURES = 2
    PERSON_ID = 3
    DELETION = 4
    RUNNING_LOG = 5
    ERROR_LOG = 6
    CONSENT = 7
    REGION = 8
    ACCOUNTS_APART = 9

    @property
    def title(self) -> str:
        """In a few words."""
        return TITLES[self]


TITLES: Final = {
    Promise.NO_IMAGE_AT_REST: "no image at rest",
    Promise.SEALED_FEATURES: "features are sealed binary strings",
    Promise.PERSON_ID: "the PersonID belongs to the customer",
    Promise.DELETION: "deletion is complete and provable",
    Promise.RUNNING_LOG: "the running log is complete",
    Promise.ERROR_LOG: "the error log has a ceiling",
    Promise.CONSENT: "consent and age are stated",
    Promise.REGION: "one region",
    Promise.ACCOUNTS_APART: "accounts are apart",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One promise.

    evidence: what was looked at, in this run, with counts. breaches: what breaks it; empty unless broken.
    unseen: what could not be looked at, and why. bound_s: within which time it holds; None where time is no part of it.
    """

    promise: Promise
    verdict: Verdict
    evidence: tuple[str, ...]
    breaches: tuple[str, ...]
    unseen: tuple[str, ...]
    bound_s: float | None = None


@dataclass(slots=True)
class Findings:
    """What is found of one promise while the audit reads.

    A promise is held when its core was seen and nothing breaks it. What is only noted, or is a part that cannot be
    seen, changes nothing in that.
    """

    promise: Promise
    bound_s: float | None = None
    _evidence: list[str] = field(default_factory=list)
    _breaches: list[str] = field(default_factory=list)
    _unseen: list[str] = field(default_factory=list)
    _kinds: Counter[str] = field(default_factory=Counter)
    _core_unseen: bool = False

    def saw(self, text: str) -> None:
        """Evidence."""
        self._evidence.append(text)

    def broke(self, kind: str, example: str = "") -> None:
        """A breach; of each kind the first few are named, with their places, and all are counted."""
        self._kinds[kind] += 1
        if self._kinds[kind] <= MOST_OF_A_KIND:
            self._breaches.append(f"{kind}: {example}" if example else kind)

    def could_not_see(self, text: str, *, core: bool = False) -> None:
        """A part that cannot be looked at from here, and why. core: without it nothing can be said of the promise."""
        self._unseen.append(text)
        self._core_unseen = self._core_unseen or core

    def finding(self) -> Finding:
        """The verdict."""
        further = [
            f"{kind}: {count - MOST_OF_A_KIND} more" for kind, count in self._kinds.items() if count > MOST_OF_A_KIND
        ]
        seen = bool(self._evidence) and not self._core_unseen
        verdict: Verdict = "broken" if self._breaches else "held" if seen else "not_observable"
        return Finding(
            self.promise,
            verdict,
            tuple(self._evidence),
            (*self._breaches, *further),
            tuple(self._unseen),
            self.bound_s,
        )
