"""What a worker says on stderr of the people whom it enrolls, recognises, refuses and forgets: nothing."""

import pytest

from streams.cli.logging_setup import set_up_log

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180), pytest.mark.usefixtures("log_as_before")]

CONSENT = {"consent": "form-7", "consent_basis": "of_age"}
NAMES = ("gwen-4711", "ben-4712")


async def test_no_line_names_a_person_and_the_worker_does_speak(bench, desk, portraits, capsys) -> None:
    set_up_log("debug")
    await bench.worker()
    recognitions, erasures = await bench.tap("recognitions"), await bench.tap("erasures")
    gwen, ben = NAMES
    assert (await bench.client.enroll(gwen, portraits["gwen"], **CONSENT)).code == "enrolled"
    assert (await bench.client.enroll(ben, portraits["gwen"], **CONSENT)).code == "looks_like_another_person"
    assert (await bench.client.enroll(ben, b"no picture", **CONSENT)).code == "bad_picture"
    await bench.publish(desk[0])
    await bench.publish(b"no picture", key=gwen.encode(), frame_id=gwen, uin=gwen)
    named = await recognitions.count(1)
    assert [face["match"]["person_id"] for face in named[0]["faces"]] == [gwen]
    assert (await bench.client.forget(gwen)).code == "forgetting"
    assert (await bench.client.forget(ben)).code == "unknown_person"
    await erasures.until(lambda values: any(value["state"] == "swept" for value in values), "a deletion under way")
    await bench.stack.aclose()

    said = capsys.readouterr().err
    assert '"event": "deletion goes on"' in said
    assert [line for line in said.splitlines() if any(name in line for name in NAMES)] == []
