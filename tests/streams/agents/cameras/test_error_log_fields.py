"""A refused frame leaves every field of the policy's row."""

from streams.engine.lanes.lanes import Lane
from streams.engine.request import Request
from streams.wire import records
from streams.wire.records import ErrorLogEntry
from tests.streams.agents.error_log_row import carried

from .test_recognition import agent, observed, recognizer  # noqa: F401  fixtures

HEADERS = (("uin", b"100001"), ("sub_uin", b"100002"), ("region", b"eu"), ("frame_id", b"f-9"), ("gallery", b"vip"))


async def test_of_a_frame(agent, outlet) -> None:  # noqa: F811
    outlet.said = {"facestreams.main.visits": "taken"}
    request = Request("frames", 3, 7, 500, b"lobby", b"picture", HEADERS, 1, attempt=2)
    await agent.handle(request, Lane(("frames", 3, b"lobby"), 0.0), outlet)
    [entry] = [records.decode(each.value, ErrorLogEntry) for each in outlet.on("error-log")]
    assert carried(entry) == {
        "upstream state": ["camera-frames read", 3, 7, 1500, 2],
        "downstream state": ["visits taken"],
        "user input": [7, ["frame_id", "gallery", "region", "sub_uin", "uin"]],
        "user output": ["refused, 0 faces"],
        "whether the request succeeded": [False],
        "AppID": ["77"],
        "UIN": ["100001"],
        "SubUIN": ["100002"],
        "region": ["eu"],
        "API input parameters": ["recognize", {"frame_id": "f-9", "gallery": "vip", "region": "eu"}],
        "return code": ["gallery_not_allowed"],
        "algorithm output": ["not run"],
    }
