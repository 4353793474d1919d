"""One region a deployment: who names another is refused, and what goes out says where it was made."""

import pytest

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180), pytest.mark.parametrize("broker", ["kafka"], indirect=True)]

ENROLL = [("command", b"enroll"), ("consent", b"form-7"), ("consent_basis", b"of_age")]
OUTPUTS = ("recognitions", "sightings", "gallery-events", "running-log", "error-log")
"""All that leaves the account, or is shown to somebody; the other topics are the workers' own."""


async def test_every_record_that_goes_out_names_the_region_and_no_request_of_another_is_served(
    bench, desk, portraits
) -> None:
    await bench.worker()
    taps = {short: await bench.tap(short) for short in OUTPUTS}
    await bench.command(portraits["gwen"], b"gwen", [*ENROLL, ("region", b"us")])
    await bench.command(portraits["gwen"], b"gwen", [*ENROLL, ("region", b"eu")])
    await bench.command(b"", b"gwen", [("command", b"forget"), ("region", b"us")])
    answers = await taps["gallery-events"].count(3)
    assert sorted(each["code"] for each in answers) == ["enrolled", "wrong_region", "wrong_region"]

    foreign = await bench.publish(desk[0], region="us")
    served = await bench.publish(desk[0], region="eu")
    recognised = await taps["recognitions"].count(1)
    assert [each["event_id"].split("-")[-2:] for each in recognised] == [[str(served.partition), str(served.offset)]]
    assert recognised[0]["faces"][0]["match"]["person_id"] == "gwen"
    entries = await taps["running-log"].count(5)
    assert [
        each["return_code"]
        for each in entries
        if each["event_id"].endswith(f"camera-frames-{foreign.partition}-{foreign.offset}")
    ] == ["wrong_region"]

    await taps["sightings"].count(2)
    await taps["error-log"].until(
        lambda values: sum(each["repeats"] for each in values) >= 3, "three refusals in the error log"
    )
    named = {short: {each["region"] for each in tap.values} for short, tap in taps.items()}
    assert named == {short: {"eu"} for short in OUTPUTS}
