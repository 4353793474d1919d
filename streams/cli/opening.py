"""What stands on face-features, opened with a key directory."""

from functools import partial

from models.errors import SealError
from models.gallery.keys import KeyDirectory
from models.gallery.person import opened
from models.gallery.seal import unseal
from models.gallery.statement import Statement
from streams.edge.persons import Opened, OpenKey
from streams.wire.feature_topic import FeatureRecord, texts


def opener(keys: KeyDirectory) -> OpenKey:
    """Opens what this account's keys have wrapped; None for what they have not."""

    def open_key(value: bytes, key: bytes) -> Opened | None:
        secret = opened(keys, key, value)
        return None if secret is None else Opened(secret.person_id, secret.data_key, partial(_opens, secret.data_key))

    return open_key


def _opens(data_key: bytes, record: FeatureRecord) -> bool:
    try:
        stated = Statement.read(texts(record.headers))
        unseal(data_key, record.value or b"", place=record.key or b"", stated=stated)
    except SealError:
        return False
    return True
