"""Key records of face-features, opened with a key directory."""

from models.errors import SealError
from models.gallery.keys import KeyDirectory
from models.gallery.person import PersonSecret
from streams.edge.persons import Opened, OpenKey


def opener(keys: KeyDirectory) -> OpenKey:
    """Opens what this account's keys have wrapped; None for what they have not."""

    def open_key(value: bytes, key: bytes) -> Opened | None:
        try:
            secret = PersonSecret.decode(keys.unwrap(value, place=key))
        except SealError:
            return None
        return Opened(secret.person_id, secret.data_key)

    return open_key
