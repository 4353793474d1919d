from collections.abc import Callable
from pathlib import Path

import pytest

from models.gallery.keys import KeyDirectory
from streams.audit.checks.deletion import Deletion
from streams.audit.files import Files
from streams.audit.finding import Finding
from streams.audit.gallery import Gallery
from streams.audit.reading import Seen
from streams.wire.records import Receipt
from tests.streams.audit.deletions import FORGET, signed
from tests.streams.audit.made import NOW_MS, TOPICS, concluded, facts


@pytest.fixture
def receipt(keys: KeyDirectory) -> Receipt:
    unsigned = Receipt(
        request_id="r-1",
        event_id=FORGET,
        account="main",
        region="eu",
        scope="person",
        gallery="default",
        person=keys.pseudonym("default", "bob"),
        requested_at_ms=NOW_MS - 40_000,
        completed_at_ms=NOW_MS - 10_000,
        persons=1,
        features=1,
        log_entries=0,
        workers=["w1"],
        silent=[],
        later={},
        bill=None,
        key_id=keys.signing_key_id,
        signature="",
    )
    return signed(keys, unsigned)


@pytest.fixture
def audited_deletion(directories: tuple[Path, ...]) -> Callable[..., Finding]:
    """What the check of deletion says, with the files of a broker that holds nothing any more."""

    def audited(keys, *stream: Seen, standing: Gallery | None = None, directories=directories, **said) -> Finding:
        gallery = Gallery(keys, TOPICS.partitions) if standing is None else standing
        return concluded(Deletion(facts(keys, **said), gallery, Files(TOPICS, directories)), *stream)

    return audited
