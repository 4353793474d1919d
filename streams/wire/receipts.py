"""The bytes of a receipt that are signed, so that who holds the public key alone can check one.

They are the receipt as JSON without its signature: every other field, in the order in which `Receipt` declares them,
absent values as null, no white space outside of strings, UTF-8. msgspec writes them the same way each time. A field
that has a default is left out where it is at that: so a later version may add one, and what was signed before it holds.
"""

import base64
import binascii
from typing import Final

import msgspec
from msgspec import structs

from streams.wire.records import Receipt

SIGNATURE: Final = "signature"

_encoder = msgspec.json.Encoder()

_DEFAULTS: Final = {
    each.name: each.default if each.default_factory is msgspec.NODEFAULT else each.default_factory()
    for each in structs.fields(Receipt)
    if not each.required
}


def signed_bytes(receipt: Receipt) -> bytes:
    """What the signature is over; the one that the receipt bears makes no difference."""
    fields = {each.name: getattr(receipt, each.name) for each in structs.fields(Receipt) if each.name != SIGNATURE}
    return _encoder.encode(
        {name: value for name, value in fields.items() if value != _DEFAULTS.get(name, msgspec.NODEFAULT)}
    )


def with_signature(receipt: Receipt, signature: bytes) -> Receipt:
    """The receipt with this signature in base64."""
    return msgspec.structs.replace(receipt, signature=base64.b64encode(signature).decode("ascii"))


def signature_of(receipt: Receipt) -> bytes:
    """The signature's bytes; empty where the receipt bears none that is base64."""
    try:
        return base64.b64decode(receipt.signature, validate=True)
    except (binascii.Error, ValueError):
        return b""


def read_receipt(raw: bytes) -> Receipt:
    """A receipt as `facestreams receipt show` prints it. Raises msgspec.DecodeError, a ValueError, on anything else.

    A field that we do not know is refused: what stands in it would not be covered by the signature.
    """
    try:
        given = msgspec.json.decode(raw)
        receipt = msgspec.convert(given, Receipt)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError("text that is no UTF-8, or nested without end") from error
    known = msgspec.json.decode(_encoder.encode(receipt))
    if known != {name: known[name] for name in _DEFAULTS} | given:
        raise msgspec.DecodeError("fields that a receipt does not have")
    return receipt
