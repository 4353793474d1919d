"""Return codes: what became of a request, in one word. Written to the logs, to gallery-events and to metrics.

The texts are those of the README's table. Codes are added, never renamed.
"""

from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Code(StrEnum):
    """What became of a request."""

    # frames
    OK = "ok"
    TOO_OLD = "too_old"
    TIMED_OUT = "timed_out"
    # a request's headers and key
    BAD_HEADER = "bad_header"
    BAD_KEY = "bad_key"
    WRONG_ACCOUNT = "wrong_account"
    WRONG_REGION = "wrong_region"
    GALLERY_NOT_ALLOWED = "gallery_not_allowed"
    UNKNOWN_COMMAND = "unknown_command"
    # a picture's bytes
    EMPTY_PICTURE = "empty_picture"
    TOO_MANY_BYTES = "too_many_bytes"
    TOO_MANY_PIXELS = "too_many_pixels"
    NOT_A_PICTURE = "not_a_picture"
    TRUNCATED_PICTURE = "truncated_picture"
    ANIMATED_PICTURE = "animated_picture"
    # enrollment and forgetting
    ENROLLED = "enrolled"
    NO_CONSENT = "no_consent"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    LOW_QUALITY = "low_quality"
    BAD_PICTURE = "bad_picture"
    LOOKS_LIKE_ANOTHER_PERSON = "looks_like_another_person"
    FORGETTING = "forgetting"
    FORGOTTEN = "forgotten"
    UNKNOWN_PERSON = "unknown_person"
    # the service itself
    BAD_RECORD = "bad_record"
    BAD_SEAL = "bad_seal"
    FOREIGN_FEATURE = "foreign_feature"
    OUTPUT_TOO_LARGE = "output_too_large"
    INTERNAL_ERROR = "internal_error"
    EXPIRED_UNREAD = "expired_unread"


MEANING: Final = MappingProxyType(
    {
        Code.OK: "the frame was recognised; faces may be none",
        Code.TOO_OLD: "the frame was older than this deployment recognises, and was skipped; not in the error log",
        Code.TIMED_OUT: "the picture was given up, since its processing did not end in time",
        Code.BAD_HEADER: "a header is not UTF-8, too long, given twice, not of its type, or one of too many",
        Code.BAD_KEY: "the record's key is missing, reserved, not UTF-8, too long, or not the header person_id",
        Code.WRONG_ACCOUNT: "the header account names another account than the topic's",
        Code.WRONG_REGION: "the header region names another region than this deployment's",
        Code.GALLERY_NOT_ALLOWED: "the camera may not search, or the account does not have, this gallery",
        Code.UNKNOWN_COMMAND: "the header command is missing or not one that this version knows",
        Code.EMPTY_PICTURE: "the value is empty",
        Code.TOO_MANY_BYTES: "the picture has more bytes than the deployment takes",
        Code.TOO_MANY_PIXELS: "the picture has more pixels than the deployment takes",
        Code.NOT_A_PICTURE: "the bytes are neither JPEG nor PNG nor WebP, or do not decode",
        Code.TRUNCATED_PICTURE: "the picture's bytes end before the picture does",
        Code.ANIMATED_PICTURE: "the picture has more than one frame",
        Code.ENROLLED: "the person's feature is in the gallery",
        Code.NO_CONSENT: "consent or consent_basis is missing or not one of of_age, guardian",
        Code.NO_FACE: "the enrollment picture shows no face",
        Code.SEVERAL_FACES: "the enrollment picture shows more than one face",
        Code.LOW_QUALITY: "the face is too small, blurred, turned away or uncertain; the detail says which",
        Code.BAD_PICTURE: "the enrollment picture was refused; the detail holds the picture's own code",
        Code.LOOKS_LIKE_ANOTHER_PERSON: "the face matches a person of another id in the same gallery",
        Code.FORGETTING: "the deletion is accepted and under way; nobody is matched any more whom it covers",
        Code.FORGOTTEN: "the deletion is complete: this event bears its receipt",
        Code.UNKNOWN_PERSON: "nobody of this id is enrolled, or not in the gallery that is named",
        Code.BAD_RECORD: "a record of one of our own topics could not be read",
        Code.BAD_SEAL: "a stored feature does not open with this account's keys and its headers",
        Code.FOREIGN_FEATURE: "a stored feature is of another model, or of a template key that is absent: enroll again",
        Code.OUTPUT_TOO_LARGE: "the frame was recognised, but a topic does not take a record of the result's size",
        Code.INTERNAL_ERROR: "processing failed three times; the cause is in the worker's own log",
        Code.EXPIRED_UNREAD: "the broker removed requests before they were read; repeats says how many at most",
    }
)
