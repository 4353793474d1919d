"""Signatures of a deployment (Ed25519): who holds the public half can tell that a receipt is ours, and unaltered.

A signature says that a holder of the signing key wrote these bytes. It says nothing of when: whoever takes the key
can sign with any date, which is why a public half that is kept after a revocation is listed as such.
"""

import hashlib
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from models.gallery.seal import joined

PUBLIC_BYTES: Final = 32
PREFIX: Final = "sk-"


class Signer:
    """Signs with one key. secret: 32 bytes, the seed of RFC 8032. public: 32 bytes, which may be shown."""

    def __init__(self, secret: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(secret)
        self.public = self._private.public_key().public_bytes_raw()
        self.key_id = key_id(self.public)

    def sign(self, message: bytes) -> bytes:
        """64 bytes, the same for the same message."""
        return self._private.sign(message)


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the holder of this public key's other half signed these bytes; False for a key that is none."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def key_id(public: bytes) -> str:
    """A signing key's id, from its public half, so that who holds only that can check it.

    Eight digits tell keys apart that were drawn at random; they prove nothing against one who looks for a match.
    """
    return PREFIX + hashlib.sha256(joined(b"key id", b"signing", public)).hexdigest()[:8]
