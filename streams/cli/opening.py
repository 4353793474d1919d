"""Key records of face-features, opened with a key directory."""

from models.gallery.keys import KeyDirectory
from models.gallery.person import opened
from streams.edge.persons import Opened, OpenKey


def opener(keys: KeyDirectory) -> OpenKey:
    """Opens what this account's keys have wrapped; None for what they have not."""

    def open_key(value: bytes, key: bytes) -> Opened | None:
        secret = opened(keys, key, value)
        return None if secret is None else Opened(secret.person_id, secret.data_key)

    return open_key
