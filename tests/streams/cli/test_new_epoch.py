import asyncio

import pytest

from streams.cli.exit_codes import ExitCode
from streams.engine.topics.admin import epochs
from streams.wire.connection import Connection
from streams.wire.topics import Topics

pytestmark = pytest.mark.broker


def test_one_topic_gets_a_new_epoch_and_the_others_keep_theirs(
    facestreams, connection: Connection, topics: Topics
) -> None:
    before = asyncio.run(epochs(connection, topics))

    code, said, _ = facestreams("topics", "new-epoch", "camera-frames")

    assert (code, said) == (ExitCode.DONE, f"{topics.name('camera-frames')} has a new epoch\n")
    after = asyncio.run(epochs(connection, topics))
    assert {short for short in before if before[short] != after[short]} == {"camera-frames"}


def test_a_topic_that_has_no_epoch_is_refused_with_those_that_have(facestreams, topics: Topics) -> None:
    code, _, said = facestreams("topics", "new-epoch", "sightings")

    assert code == ExitCode.USAGE
    assert "camera-frames, gallery-commands, face-features" in " ".join(said.replace("│", " ").split())
