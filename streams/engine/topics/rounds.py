"""How often a worker looks after the topics, from which the bounds follow, and which idle ones it closes."""

from typing import Final

from streams.wire.topics import ERASURES, MS_PER_MINUTE, RUNNING_LOG

PURGE_EVERY_MS: Final = 1000
"""For processed pictures to be deleted."""

CLOSE_EVERY_MS: Final = 10 * MS_PER_MINUTE
"""For idle partitions to be closed."""

CLOCKS_MS: Final = MS_PER_MINUTE
"""Records of a compacted topic have their writers' clocks, which agree to within this."""

CLOSED: Final = (RUNNING_LOG, ERASURES)
"""Topics whose idle partitions workers close; those that name a person are closed by who drives a deletion."""
