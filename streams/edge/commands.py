"""Gallery commands as they travel: key, value and headers of a gallery-commands record."""

from dataclasses import dataclass, field
from typing import Literal
from uuid import uuid4

from streams.wire.headers import Caller, ConsentBasis


def _new_request_id() -> str:
    return str(uuid4())


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What is asked for one person, or for all of a gallery or an account.

    command: `enroll` and `forget` name a person_id; `forget_gallery` names its gallery, `forget_account` its account
    (that of the caller). picture: encoded bytes, empty for all but enroll. gallery: of a person; None is `default` to
    enroll, and every gallery that holds the person to forget. request_id: the sender's own; its answers carry the same.
    """

    command: Literal["enroll", "forget", "forget_gallery", "forget_account"]
    person_id: str = ""
    picture: bytes = field(default=b"", repr=False)
    gallery: str | None = None
    consent: str | None = None
    consent_basis: ConsentBasis | None = None
    caller: Caller = field(default_factory=Caller)
    request_id: str = field(default_factory=_new_request_id)

    def key(self) -> bytes:
        """The record's key: what the command is about. Raises ValueError where it names nothing."""
        named = {"forget_gallery": self.gallery, "forget_account": self.caller.account}
        if not (key := named.get(self.command, self.person_id)):
            raise ValueError(f"{self.command} names nothing that it is about")
        return key.encode()

    def headers(self) -> list[tuple[str, bytes]]:
        """The record's headers; what is None is left out."""
        given = {
            "command": self.command,
            "person_id": self.person_id or None,
            "gallery": self.gallery,
            "consent": self.consent,
            "consent_basis": self.consent_basis,
            "request_id": self.request_id,
            "account": self.caller.account,
            "uin": self.caller.uin,
            "sub_uin": self.caller.sub_uin,
            "request_ip": self.caller.request_ip,
            "region": self.caller.region,
        }
        return [(name, value.encode()) for name, value in given.items() if value is not None]
