"""What a broker can do. Checks and promises ask only for what it can."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """The abilities that our promises rest on.

    append_time: stamps records with its own clock (LogAppendTime).
    transactions: keeps a former writer apart from its successor, by a transactional id.
    exact_ends: tells the offset behind a partition's last record; otherwise one within its last batch.
    """

    name: str
    deletes_records: bool
    compacts: bool
    retains: bool
    append_time: bool
    transactions: bool
    exact_ends: bool = True

    def cannot_keep(self) -> tuple[str, ...]:
        """The promises that this broker cannot keep, one sentence each; empty for a complete broker."""
        lacks = (
            (self.deletes_records, "processed pictures are not deleted from the input topics"),
            (self.compacts, "forgotten features and old log entries stay in the broker's memory"),
            (self.retains, "retention is not enforced: nothing expires, the error log has no ceiling"),
            (self.transactions, "a frozen worker that comes back may write what its successor has erased"),
            (self.append_time, "records bear the sender's time instead of the broker's"),
        )
        return tuple(sentence for able, sentence in lacks if not able)


KAFKA: Final = Broker(
    name="kafka", deletes_records=True, compacts=True, retains=True, append_time=True, transactions=True
)
EMBEDDED: Final = Broker(
    name="embedded",
    deletes_records=False,
    compacts=False,
    retains=False,
    append_time=False,
    transactions=False,
    exact_ends=False,
)

BROKERS: Final = {broker.name: broker for broker in (KAFKA, EMBEDDED)}
