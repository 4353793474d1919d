"""Within which time a promise holds, as it follows from the settings in effect."""

from streams.agents.erasure.confirming import EVERY_MS as CONFIRMED_EVERY_MS
from streams.agents.erasure.waits import COMPACTED, waits
from streams.audit.facts import Facts
from streams.engine.topics.admin import AdminError
from streams.engine.topics.bounds import PROCESSED
from streams.engine.topics.promises import Promise as Rule
from streams.wire.topics import GALLERY_COMMANDS
from streams.wire.workers import SILENT_AFTER_MS


def picture_bound_ms(facts: Facts) -> int | None:
    """How long a processed picture may stay on the disks; None where the settings are not told, or leave it open."""
    limits = [bound.at_most for bound in facts.bounds(Rule.TRANSPORT_ONLY) if bound.condition == PROCESSED]
    known = [limit for limit in limits if limit is not None]
    return max(known) if known and len(known) == len(limits) else None


def deletion_bound_ms(facts: Facts) -> int | None:
    """How long a deletion takes at most while all copies are in sync.

    None where the settings are not told, or leave it open.
    Until every worker has confirmed, or is named as silent; then until the brokers have removed the bytes.
    """
    if facts.inspection is None or facts.inspection.brokers is None:
        return None
    found = {topic.found.name: topic.found for topic in facts.inspection.topics if topic.found is not None}
    if not {facts.topics.name(short) for short in (*COMPACTED, GALLERY_COMMANDS)} <= found.keys():
        return None
    try:
        wait = waits(facts.topics, found, facts.inspection.brokers)
    except AdminError:
        return None
    return SILENT_AFTER_MS + CONFIRMED_EVERY_MS + wait.at_most
