"""The receipts of deletions: each is signed by this deployment, and says which workers did not confirm."""

from collections.abc import Sequence
from typing import Final

from models.gallery.keys import KeyDirectory
from models.gallery.signing import verify
from streams.audit.finding import Findings
from streams.audit.reading import Seen
from streams.wire.receipts import signature_of, signed_bytes
from streams.wire.records import Erasure, GalleryEvent
from streams.wire.topics import GALLERY_EVENTS, MS_PER_DAY, Topics

KEPT_MS: Final = int(Topics().spec(GALLERY_EVENTS).config["retention.ms"]) - MS_PER_DAY
"""For so long at least a receipt stands on gallery-events."""


class ReceiptsSeen:
    """keys: None where no key directory is at hand; then no signature can be verified."""

    def __init__(self, keys: KeyDirectory | None, findings: Findings) -> None:
        self._public = None if keys is None else keys.verify_keys()
        self._findings = findings
        self._verified = 0
        self._of: set[str] = set()
        self._silent: list[tuple[int, str, list[str]]] = []

    def take(self, event: GalleryEvent, seen: Seen) -> None:
        """One answer; most bear no receipt."""
        receipt = event.receipt
        if receipt is None:
            return
        self._of.add(receipt.event_id)
        if receipt.silent:
            self._silent.append((receipt.completed_at_ms, receipt.request_id, receipt.silent))
        if self._public is None:
            return
        public = self._public.get(receipt.key_id)
        if public is None or not verify(public, signed_bytes(receipt), signature_of(receipt)):
            self._findings.broke("a receipt that this deployment has not signed so", seen.place)
        else:
            self._verified += 1

    def conclude(self, completed: Sequence[Erasure], now_ms: int, *, silent_for_ms: int) -> None:
        """silent_for_ms: after this time a worker that did not confirm can bring nothing back."""
        for erasure in completed:
            if erasure.event_id not in self._of and now_ms - erasure.updated_at_ms < KEPT_MS:
                self._findings.broke("a deletion without a receipt", erasure.event_id)
        for completed_at_ms, request_id, workers in self._silent:
            if now_ms - completed_at_ms < silent_for_ms:
                self._findings.could_not_see(
                    f"what {' and '.join(workers)} still holds of what request {request_id} deleted: it is silent",
                    core=True,
                )
        signed = f", {self._verified} signatures verified" if self._public is not None else ""
        self._findings.saw(f"{len(self._of)} receipts read{signed}")
