"""What is stated of a feature beside its sealed string: in the open, and bound to it by its seal."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from models.errors import SealError


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Texts, each exactly as it stands on the record under its field's name. Another spelling is another statement.

    key_id, model_version: of the template key and the encoder that made the bits. quality: of the face, 0 to 1.
    consent, consent_basis: that the person has consented, and on what that rests. enrolled_at_ms: since 1970.
    """

    key_id: str
    model_version: str
    quality: str
    consent: str
    consent_basis: str
    enrolled_at_ms: str

    @classmethod
    def read(cls, texts: Mapping[str, str]) -> "Statement":
        """Out of a record's texts, which may be more. Raises SealError where one is absent; an empty one is not."""
        names = [each.name for each in fields(cls)]
        if missing := [name for name in names if name not in texts]:
            raise SealError(f"not stated: {', '.join(missing)}")
        return cls(**{name: texts[name] for name in names})

    def texts(self) -> dict[str, str]:
        """By name, in the order in which they are sealed."""
        return {each.name: getattr(self, each.name) for each in fields(self)}
