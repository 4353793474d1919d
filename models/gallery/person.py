"""What the key record of a person holds: whom it is about, and the key that seals what is stored of that person."""

from typing import Final

import msgspec

from models.errors import SealError
from models.gallery.keys import KeyDirectory

PADDED_TO_BYTES: Final = 128
"""What is wrapped has a multiple of this length: else a key record's length would tell that of the person's id."""


class PersonSecret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """To be wrapped with an account key, never to be written otherwise.

    data_key: 32 bytes. person_id: the customer's id. padding: zeros, which `encode` adds.
    """

    data_key: bytes
    person_id: str
    padding: bytes = b""

    def __repr__(self) -> str:
        return "PersonSecret(...)"

    def encode(self) -> bytes:
        """As MessagePack, padded."""
        missing = -len(msgspec.msgpack.encode(self)) % PADDED_TO_BYTES
        return msgspec.msgpack.encode(msgspec.structs.replace(self, padding=bytes(missing)))

    @classmethod
    def decode(cls, raw: bytes) -> "PersonSecret":
        """What `encode` was given. Raises SealError on anything else."""
        try:
            return msgspec.structs.replace(msgspec.msgpack.decode(raw, type=cls), padding=b"")
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise SealError("what was wrapped is no person's key") from None


def opened(keys: KeyDirectory, key: bytes, value: bytes) -> PersonSecret | None:
    """What a key record under this key holds; None where it does not open with these keys."""
    try:
        return PersonSecret.decode(keys.unwrap(value, place=key))
    except SealError:
        return None
