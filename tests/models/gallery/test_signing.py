from models.gallery.signing import Signer, key_id, verify

SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
SIGNATURE = bytes.fromhex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
)
"""Test 1 of RFC 8032, section 7.1: the empty message."""


def test_signs_as_the_rfc_does() -> None:
    signer = Signer(SEED)
    assert signer.public == PUBLIC
    assert signer.sign(b"") == SIGNATURE
    assert verify(PUBLIC, b"", SIGNATURE)


def test_nothing_else_verifies() -> None:
    assert not verify(PUBLIC, b"x", SIGNATURE)
    assert not verify(Signer(bytes(32)).public, b"", SIGNATURE)
    assert not verify(PUBLIC, b"", SIGNATURE[:-1])
    assert not verify(b"no key", b"", SIGNATURE)


def test_an_id_is_that_of_the_public_half() -> None:
    assert key_id(PUBLIC) == Signer(SEED).key_id == "sk-97c18671"
    assert SEED.hex()[:8] not in repr(Signer(SEED))
