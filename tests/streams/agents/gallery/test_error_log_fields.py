"""A refused command leaves every field of the policy's row."""

import pytest

from models.types import EnrollmentReason, EnrollmentRefusal, Quality, RejectReason
from streams.engine.request import Request
from streams.wire.records import ErrorLogEntry, FaceQuality, Measured
from tests.streams.agents.error_log_row import carried

from .test_enrollment import Broker, agent, broker, keys, known, recognizer  # noqa: F401  fixtures

CALLER = (("uin", b"100001"), ("sub_uin", b"100002"), ("region", b"eu"), ("request_id", b"r-9"))
ENROLL = (("command", b"enroll"), ("gallery", b"default"), ("consent", b"form"), ("consent_basis", b"guardian"))


async def refused(agent, broker: Broker, headers) -> ErrorLogEntry:  # noqa: F811
    broker.said = {"facestreams.main.erasures": "NotEnoughReplicasError"}
    await agent.handle(Request("commands", 3, 7, 1, b"ada", b"picture", headers, 1), None, broker)
    return broker.last("error-log", ErrorLogEntry)


async def test_of_an_enrollment(agent, broker, recognizer) -> None:  # noqa: F811
    quality = Quality(0.12344, 60, 0.7, 52.07, RejectReason.TURNED)
    refusal = EnrollmentRefusal(EnrollmentReason.LOW_QUALITY, quality, 1, 0.912345, 640, 360, "image/jpeg")
    recognizer.examine = lambda _encoded: refusal
    entry = await refused(agent, broker, (*CALLER, *ENROLL))
    assert carried(entry) == {
        "upstream state": ["gallery-commands read", 3, 7, 4, 1],
        "downstream state": ["erasures NotEnoughReplicasError"],
        "user input": [7, sorted(name for name, _ in (*CALLER, *ENROLL))],
        "user output": ["refused, low_quality on gallery-events"],
        "whether the request succeeded": [False],
        "AppID": ["77"],
        "UIN": ["100001"],
        "SubUIN": ["100002"],
        "region": ["eu"],
        "API input parameters": [
            "enroll",
            {
                "command": "enroll",
                "gallery": "default",
                "request_id": "r-9",
                "consent_basis": "guardian",
                "region": "eu",
            },
        ],
        "return code": ["low_quality"],
        "algorithm output": ["low_quality: turned"],
    }
    assert entry.measured == Measured(
        faces=1,
        best_confidence=0.9123,
        quality=FaceQuality(score=0.1234, face_px=60, sharpness=0.7, yaw_deg=52.1, reject_reason="turned"),
        timeout_s=None,
    )


async def test_of_a_deletion(agent, broker) -> None:  # noqa: F811
    entry = await refused(agent, broker, (*CALLER, ("command", b"forget")))
    assert carried(entry) == {
        "upstream state": ["gallery-commands read", 3, 7, 4, 1],
        "downstream state": ["erasures NotEnoughReplicasError"],
        "user input": [7, sorted(name for name, _ in (*CALLER, ("command", b"")))],
        "user output": ["refused, unknown_person on gallery-events"],
        "whether the request succeeded": [False],
        "AppID": ["77"],
        "UIN": ["100001"],
        "SubUIN": ["100002"],
        "region": ["eu"],
        "API input parameters": ["forget", {"command": "forget", "request_id": "r-9", "region": "eu"}],
        "return code": ["unknown_person"],
        "algorithm output": ["not run"],
    }


@pytest.mark.parametrize(
    ("headers", "output"),
    [
        ((("command", b"enroll"),), "not run"),
        (ENROLL, "not decoded: not_a_picture"),
    ],
    ids=["no consent", "no picture"],
)
async def test_how_far_the_models_came(agent, broker, recognizer, headers, output: str) -> None:  # noqa: F811
    def examine(encoded: bytes) -> None:
        recognizer.check(b"other")

    recognizer.examine = examine
    entry = await refused(agent, broker, headers)
    assert entry.algorithm_output == output
    assert (entry.measured is None) == (output == "not run")
