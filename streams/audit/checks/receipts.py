"""The receipts of deletions: each is signed by this deployment, and says which workers did not confirm."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from models.gallery.keys import KeyDirectory
from models.gallery.signing import verify
from streams.audit.finding import Findings
from streams.audit.reading import Seen
from streams.wire.receipts import signature_of, signed_bytes
from streams.wire.records import Erasure, GalleryEvent, Receipt
from streams.wire.topics import GALLERY_EVENTS, MS_PER_DAY, Topics
from streams.wire.workers import Heard, WorkersView, is_past

KEPT_MS: Final = int(Topics().spec(GALLERY_EVENTS).config["retention.ms"]) - MS_PER_DAY
"""For so long at least a receipt stands on gallery-events."""


class ReceiptsSeen:
    """keys: None where no key directory is at hand; then no signature can be verified."""

    def __init__(self, keys: KeyDirectory | None, findings: Findings) -> None:
        self._public = None if keys is None else keys.verify_keys()
        self._findings = findings
        self._verified = 0
        self._of: set[str] = set()
        self._silent: list[Receipt] = []
        self._workers = WorkersView()

    def take(self, event: GalleryEvent, seen: Seen) -> None:
        """One answer; most bear no receipt."""
        receipt = event.receipt
        if receipt is None:
            return
        self._of.add(receipt.event_id)
        if receipt.silent:
            self._silent.append(receipt)
        if self._public is None:
            return
        public = self._public.get(receipt.key_id)
        if public is None or not verify(public, signed_bytes(receipt), signature_of(receipt)):
            self._findings.broke("a receipt that this deployment has not signed so", seen.place)
        else:
            self._verified += 1

    def hear(self, seen: Seen) -> None:
        """One record of control; most are no worker's word."""
        with suppress(ValueError):  # no worker can read it either
            self._workers.take(seen.key, None if seen.form == "tombstone" else seen.value, seen.timestamp_ms)

    def conclude(self, completed: Sequence[Erasure], now_ms: int, *, silent_for_ms: int) -> None:
        """silent_for_ms: after this time the memory of a worker that did not confirm can bring nothing back."""
        for erasure in completed:
            if erasure.event_id not in self._of and now_ms - erasure.updated_at_ms < KEPT_MS:
                self._findings.broke("a deletion without a receipt", erasure.event_id)
        self._silent_since(completed, now_ms, silent_for_ms)
        signed = f", {self._verified} signatures verified" if self._public is not None else ""
        self._findings.saw(f"{len(self._of)} receipts read{signed}")

    def _silent_since(self, completed: Sequence[Erasure], now_ms: int, silent_for_ms: int) -> None:
        """Of whom receipts name: who has neither said since that it holds nothing, nor taken its word back."""
        reached = {erasure.event_id: erasure.reached for erasure in completed}
        of_accounts = [erasure for erasure in completed if erasure.scope == "account"]
        words = {heard.said.worker: heard for heard in self._workers.all()}
        for receipt in self._silent:
            is_recent = now_ms - receipt.completed_at_ms < silent_for_ms
            holding = [
                worker
                for worker in receipt.silent
                if (heard := words.get(worker)) is not None
                and (is_recent or heard.said.saved is not None)
                and not _has_confirmed(heard, reached.get(receipt.event_id) or _behind(receipt, of_accounts))
            ]
            if holding:
                what = f"of what request {receipt.request_id} deleted"
                self._findings.could_not_see(
                    f"what {' and '.join(holding)} still holds {what}: it is silent", core=True
                )


def _behind(receipt: Receipt, of_accounts: Sequence[Erasure]) -> Mapping[str, int]:
    """How far a deletion of the account came that was asked for later: it has erased the records of those before."""
    later = (each.reached for each in of_accounts if each.requested_at_ms >= receipt.requested_at_ms)
    return next(later, {})


def _has_confirmed(heard: Heard, reached: Mapping[str, int]) -> bool:
    return any(reached.values()) and is_past(heard.said, reached)
