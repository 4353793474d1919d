"""What a deletion makes of the workers' words: who has confirmed it, who is waited for, and who is named."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from streams.engine.outlet import Output
from streams.wire.topics import CONTROL, MS_PER_DAY, Topics
from streams.wire.workers import SILENT_AFTER_MS, Heard, is_past, key_of

GONE_AFTER_MS: Final = MS_PER_DAY
"""One without a snapshot that was silent for so long can bring nothing back: its memory is of a process that has missed
its session by hours."""

SNAPSHOT_GONE_AFTER_MS: Final = 30 * MS_PER_DAY
"""One that left a snapshot is named for so long: as long as gallery-events keeps the receipts that name it.

A worker that starts where the snapshot lies removes it unread, since it is too old, and one that runs beside it sweeps
it; both say so. On a host that never comes back it stays, sealed with a key of the deployment, and is the operator's to
wipe, who takes the word back (`facestreams workers gone`). It is taken back in the end all the same, or control would
grow with each host that is given up.
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Ids of workers. confirmed: they hold nothing any more. waiting: they have yet to say so. silent: they do not.

    gone: nothing can come of them any more, whatever they said; their words are to be taken back.
    snapshots: how many of those that confirmed keep one.
    """

    confirmed: tuple[str, ...]
    waiting: tuple[str, ...]
    silent: tuple[str, ...]
    gone: tuple[str, ...]
    snapshots: int = 0


def taken_back(topics: Topics, worker: str) -> Output:
    """What takes a worker's word from control."""
    return Output(topic=topics.name(CONTROL), key=key_of(worker), value=None, partition=0)


def judge(heard: Collection[Heard], reached: Mapping[str, int], now_ms: int) -> Verdict:
    """Who has come past `reached` of face-features, in memory and in its snapshot where it keeps one.

    Where that is nowhere, who was heard of lately.
    """
    confirmed, waiting, silent, gone = [], [], [], []
    for each in heard:
        silence_ms = now_ms - each.at_ms
        if silence_ms > (GONE_AFTER_MS if each.said.saved is None else SNAPSHOT_GONE_AFTER_MS):
            gone.append(each.said.worker)
        elif is_past(each.said, reached) and (any(reached.values()) or silence_ms <= SILENT_AFTER_MS):
            confirmed.append(each.said.worker)
        elif silence_ms <= SILENT_AFTER_MS:
            waiting.append(each.said.worker)
        else:
            silent.append(each.said.worker)
    snapshots = sum(each.said.saved is not None and each.said.worker in confirmed for each in heard)
    return Verdict(
        confirmed=tuple(sorted(confirmed)),
        waiting=tuple(sorted(waiting)),
        silent=tuple(sorted(silent)),
        gone=tuple(sorted(gone)),
        snapshots=snapshots,
    )
