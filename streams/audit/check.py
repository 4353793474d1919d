"""What the nine checks have in common."""

from typing import Protocol

from streams.audit.finding import Finding, Findings
from streams.audit.reading import Seen


class Check(Protocol):
    """One promise, held against what is read.

    needs: short names of the topics without which nothing can be said of it. findings: what is found on the way; a
    topic that cannot be read is noted there by whoever reads.
    """

    findings: Findings

    @property
    def needs(self) -> tuple[str, ...]:
        """Short names."""

    def take(self, seen: Seen) -> None:
        """One record, of any topic. Topics come whole, one after the other, in the order of `streams.audit.run`."""

    def finding(self) -> Finding:
        """After the last record."""
