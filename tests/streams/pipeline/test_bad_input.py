"""Bad input of every kind through a worker process: nothing ends it, nothing stalls, everything is accounted for."""

from unicodedata import normalize

import pytest
from msgspec import structs

from streams.demo.worker_process import WorkerProcess, free_port
from streams.settings.gallery_rules import GalleryRules
from tests.fuzz.campaign import Row
from tests.fuzz.course import PATIENT, Extent, run
from tests.fuzz.readers import READ

from .conftest import environment

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]

CONSENT = {"consent": "form-7", "consent_basis": "of_age"}
SEED = 5
EXTENT = Extent(inputs=160, cameras=60, stored=8)


@pytest.fixture
def start(broker, settings, key_dir):
    given = environment(broker, settings.connection(), settings.topics(), key_dir)
    given |= {**PATIENT, "FACESTREAMS_SESSION_TIMEOUT_S": "6"}
    started: list[WorkerProcess] = []

    def start() -> WorkerProcess:
        started.append(WorkerProcess({**given, "FACESTREAMS_HTTP_PORT": str(free_port())}))
        return started[-1]

    yield start
    for process in started:
        process.kill()


@pytest.mark.parametrize("broker", ["kafka"], indirect=True)
async def test_nothing_that_comes_in_ends_a_worker_or_goes_unaccounted(settings, start) -> None:
    rows: list[Row] = []
    outcome = await run(settings.connection(), settings.topics(), start, seed=SEED, extent=EXTENT, said=rows.append)
    assert [row for row in outcome.rows if not row.clean] == []
    assert (
        sum(row.inputs for row in rows)
        == EXTENT.inputs + EXTENT.cameras + len(READ) * EXTENT.stored + settings.partitions
    )
    assert outcome.exit_codes == (0, 0)
    assert outcome.clean, f"{outcome.peak_rss_mib} MiB"


async def test_two_who_differ_in_a_separator_or_a_normalisation_form_are_two(bench, portraits) -> None:
    await bench.worker(structs.replace(bench.settings, galleries=GalleryRules("*=a,a/b")))
    gwen, carl = portraits["gwen"], portraits["carl"]
    people = [("a/b", "c"), ("a", "b/c"), ("a", normalize("NFC", "ada é")), ("a", normalize("NFD", "ada é"))]
    for picture, (gallery, person_id) in zip((gwen, gwen, carl, portraits["fay"]), people, strict=True):
        answer = await bench.client.enroll(person_id, picture, gallery=gallery, **CONSENT)
        assert answer.code == "enrolled", (gallery, person_id, answer)
    for gallery, person_id in people:
        answers = [await bench.client.forget(person_id, gallery=gallery) for _ in range(2)]
        assert [(each.code, each.features) for each in answers] == [("forgetting", 1), ("unknown_person", 0)]
