"""Promise 8: every record that names a region names this one."""

from collections import Counter
from typing import Final

from streams.audit.finding import Finding, Findings, Promise
from streams.audit.reading import Seen
from streams.wire.records import GalleryEvent
from streams.wire.topics import RUNNING_LOG


class Region:
    """region: of this deployment."""

    needs: Final = (RUNNING_LOG,)

    def __init__(self, region: str) -> None:
        self.findings = Findings(Promise.REGION)
        self._region = region
        self._seen: Counter[str] = Counter()

    def take(self, seen: Seen) -> None:
        """Of every topic whose records name a region; so do receipts."""
        named = getattr(seen.record, "region", None)
        if isinstance(seen.record, GalleryEvent) and seen.record.receipt is not None:
            named = seen.record.receipt.region
        if named is None:
            return
        self._seen[seen.short] += 1
        if named != self._region:
            self.findings.broke("a record of another region", f"{named!r} at {seen.place}")

    def finding(self) -> Finding:
        """Nothing can be said before the first request."""
        if not self._seen:
            self.findings.could_not_see("no record that names a region was found", core=True)
            return self.findings.finding()
        counts = ", ".join(f"{count} on {short}" for short, count in sorted(self._seen.items()))
        self.findings.saw(f"records that name a region: {counts}; this deployment's is {self._region!r}")
        return self.findings.finding()
