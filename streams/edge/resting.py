"""What rests on which key: counted on face-features from what stands there in the open."""

from collections import Counter
from collections.abc import Callable

from streams.wire.feature_topic import FeatureRecord, FeatureTopic, texts


class Resting:
    """The state of face-features, record by record, in each partition's order.

    wrapped_with: the id of the account key that wrapped a key record's value; None if none is named. partitions: of the
    topic.
    """

    def __init__(self, wrapped_with: Callable[[bytes], str | None], partitions: int) -> None:
        self._topic: FeatureTopic[FeatureRecord, str, str] = FeatureTopic(
            partitions=partitions,
            read_key=lambda record: wrapped_with(record.value or b"") or "",
            read_feature=lambda record, _feature_id: texts(record.headers).get("key_id", ""),
        )

    def apply(self, record: FeatureRecord) -> None:
        """Take one record. What names no key counts under the empty id; what no worker takes is passed over."""
        self._topic.take(record.partition, record.key, None if record.value is None else record)

    def counts(self) -> Counter[str]:
        """By key id: persons whose key record an account key wrapped, features that a template key made.

        Features whose person's key is erased count until they are erased too.
        """
        held = self._topic.held.values()
        persons = Counter(each.key for each in held if each.key is not None)
        return persons + Counter(key_id for each in held for key_id in each.features.values())
