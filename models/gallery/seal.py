"""Sealing: what is stored of a person opens only with the right key, and only in the place it was made for.

AES-256-GCM-SIV with a random 96-bit nonce. Of the ciphers at hand it is the one that forgives a repeated nonce
(a virtual machine restored from its image draws the same "random" bytes twice): all that shows then is that two
strings in one place are equal, where AES-GCM would give both texts and its authentication key away.
It needs OpenSSL 3.2, which the wheels of `cryptography` carry.

Layout: version (1 byte) | nonce (12) | ciphertext with tag (16 longer than the text).
"""

import secrets
import struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from models.errors import SealError
from models.gallery.statement import Statement

KEY_BYTES: Final = 32
VERSION: Final = b"\x01"
NONCE_BYTES: Final = 12


def seal(data_key: bytes, bits: bytes, *, place: bytes, stated: Statement) -> bytes:
    """A person's feature, sealed with the person's data key (32 bytes) for the record of key `place`.

    stated: what stands beside it in the open.
    """
    return seal_bytes(data_key, bits, _feature_context(place, stated))


def unseal(data_key: bytes, sealed: bytes, *, place: bytes, stated: Statement) -> bytes:
    """The bits that `seal` was given. Raises SealError if key, place, anything stated or a byte differs."""
    return open_bytes(data_key, sealed, _feature_context(place, stated))


def seal_bytes(key: bytes, text: bytes, context: bytes) -> bytes:
    """`text` under `key` (32 bytes), bound to `context`, which is not stored."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return VERSION + nonce + AESGCMSIV(key).encrypt(nonce, text, VERSION + context)


def open_bytes(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """What `seal_bytes` was given. Raises SealError, which says no more than that it does not open."""
    if sealed[:1] != VERSION:
        raise SealError(f"sealed with version {sealed[:1].hex() or 'none'}, expected {VERSION.hex()}")
    nonce, ciphertext = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
    try:
        return AESGCMSIV(key).decrypt(nonce, ciphertext, VERSION + context)
    except (InvalidTag, ValueError) as error:
        raise SealError("does not open: another key, place or statement, or altered bytes") from error


def joined(*parts: bytes) -> bytes:
    """Parts behind their lengths (big-endian 32 bits), so that no two lists of parts give the same bytes."""
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def derived_key(secret: bytes, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose (HKDF-SHA256), which tells nothing of `secret` nor of other purposes."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"facestreams " + purpose.encode()).derive(secret)


def _feature_context(place: bytes, stated: Statement) -> bytes:
    return joined(b"feature", place, *(text.encode() for text in stated.texts().values()))
