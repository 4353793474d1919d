"""What can go wrong between bytes and a match. Expected outcomes (no face, nobody matches) are values, not errors."""

from enum import StrEnum


class ModelsError(Exception):
    """Root of all errors that this package raises on purpose."""


class PictureCode(StrEnum):
    """Why the bytes of a frame or of an enrollment picture were refused."""

    EMPTY = "empty_picture"
    TOO_MANY_BYTES = "too_many_bytes"
    TOO_MANY_PIXELS = "too_many_pixels"
    NOT_A_PICTURE = "not_a_picture"
    TRUNCATED = "truncated_picture"
    ANIMATED = "animated_picture"


class PictureError(ModelsError):
    """The bytes are no picture that this deployment takes.

    Carries sizes and formats only, never a byte of the picture: it may be logged.
    """

    def __init__(self, code: PictureCode, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class AbortedError(ModelsError):
    """The computation was told to end before it had a result. What it was to change is as it was before."""


class PackError(ModelsError):
    """A model pack cannot be used: a file is missing, altered or of the wrong form. Stops the start."""


class KeyDirectoryError(ModelsError):
    """A key directory is missing, readable by others, incomplete or altered. Stops the start."""


class SealError(ModelsError):
    """A sealed string does not open: other key, other place, other statement, or altered bytes."""


class GalleryError(ModelsError):
    """A feature does not fit the gallery: wrong number of bits, another template key or model."""


class SnapshotError(ModelsError):
    """A saved gallery was refused; `reason` says which part of it did not agree."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
