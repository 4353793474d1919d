"""What becomes of the commands to a gallery."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from streams.wire.records.base import Count, Milliseconds, Record
from streams.wire.records.logs import Bill

Pseudonym = Annotated[str, Meta(description="keyed pseudonym of the person id")]
ByPartition = Annotated[dict[str, int], Meta(description="offsets by partition")]

ErasureScope = Literal["person", "gallery", "account"]

ErasureState = Literal["accepted", "tombstoned", "swept", "confirmed", "completed"]
"""accepted: asked for, and no longer matched by who has read so. tombstoned: every key and feature that it covers bears
a tombstone. swept: and so does what requests wrote that were in flight when it began. confirmed: no worker holds any
of it, in memory or in a snapshot. completed: its bytes are gone from the brokers' disks; the receipt is out."""


class Receipt(Struct, frozen=True, kw_only=True):
    """That a deletion is complete. The signature is Ed25519 over the JSON of all else (`streams.wire.receipts`).

    person: null for a gallery or an account. gallery: null for an account, and for a person in every gallery. persons:
    counted in each gallery by itself. tombstones: how many were written, by topic; what the running log says of a
    person goes with the key on face-features and is not counted. snapshots: how many the workers that confirmed keep;
    none of them holds any of it. later: by topic, when what it said of the person, or what was erased in it, is gone at
    the latest, by the settings that were in effect. silent: workers that did not confirm, and may hold in memory or in
    a snapshot what was erased. unread: of a person's deletion, key records in its scope and of before it that the
    worker that drove it could not open; whose they are it did not see, so they stay, be they the person's; 0 as a rule.
    bill: the last one, where the account was deleted.
    """

    request_id: str
    event_id: str
    account: str
    region: str
    scope: ErasureScope
    gallery: str | None
    person: Pseudonym | None
    requested_at_ms: Milliseconds
    completed_at_ms: Milliseconds
    persons: Count
    features: Count
    log_entries: Annotated[int, Meta(ge=0, description="requests on an account's last bill; 0 of anything less")]
    tombstones: dict[str, Count] = field(default_factory=dict)
    workers: Annotated[list[str], Meta(description="that confirmed")]
    snapshots: Count = 0
    silent: list[str]
    unread: Annotated[int, Meta(ge=0, description="key records in its scope that did not open, and stay")] = 0
    later: dict[str, Milliseconds]
    bill: Bill | None
    key_id: str
    signature: Annotated[str, Meta(description="base64")]


class GalleryEvent(Record, frozen=True, kw_only=True):
    """Topic gallery-events: the answer to a gallery command. No person id, but its keyed pseudonym.

    A deletion is answered twice: when it is accepted, and when it is complete, with the receipt. gallery: null where
    the command is about every gallery; the pseudonym is then made without one.
    """

    event_id: str
    request_id: str
    account: str
    region: str
    gallery: str | None
    command: str | None
    accepted: bool
    code: str
    detail: str
    person: Pseudonym | None
    features: Annotated[int, Meta(ge=0, description="features added or erased")]
    requested_at_ms: Milliseconds
    processed_at_ms: Milliseconds
    receipt: Receipt | None = None


class Erasure(Record, frozen=True, kw_only=True):
    """Topic erasures: how far a deletion has come.

    It covers what commands enrolled that were appended before it, in its scope. gallery: null for an account, and for a
    person in every gallery; the pseudonym is then made without one. key_id: of the account key under which the
    pseudonym stands for the person; null where there is none. persons, features: tombstoned so far; persons in each
    gallery by itself.
    reached: of face-features, behind the last tombstone; once it is swept, of every partition. waits_for: of
    gallery-commands, what was in flight when it began. in_sync_at_ms: since when every copy was in sync; the passes
    that remove bytes count from there. driven_since_ms: when the worker that drives it took it over, or, later, when
    all copies were back in sync; its own looks at the brokers count from there, and so does the bound; null in records
    of before. repeats: how often the tombstones were written again, since a copy had been away. unread: as in the
    receipt. bill: the account's last one, where that is deleted; made before its log is erased; not on the last record.
    """

    event_id: str
    request_id: str
    account: str
    scope: ErasureScope
    gallery: str | None
    person: Pseudonym | None
    key_id: str | None = None
    state: ErasureState
    persons: Count = 0
    features: Count = 0
    tombstones: Annotated[dict[str, Count], Meta(description="written so far, by topic")] = field(default_factory=dict)
    reached: ByPartition = field(default_factory=dict)
    waits_for: ByPartition = field(default_factory=dict)
    workers: list[str] = field(default_factory=list)
    snapshots: Count = 0
    silent: list[str] = field(default_factory=list)
    unread: Count = 0
    in_sync_at_ms: Milliseconds | None = None
    driven_since_ms: Milliseconds | None = None
    repeats: Count = 0
    bill: Bill | None = None
    requested_at_ms: Milliseconds
    updated_at_ms: Milliseconds
