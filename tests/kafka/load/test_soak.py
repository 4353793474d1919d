"""What counts as growth."""

import pytest

from tests.kafka.load import soak
from tests.kafka.load.vitals import Sample


def samples(*rss_mib: float, lag: int = 0) -> list[Sample]:
    return [
        Sample(at_s=float(number), rss_mib=rss, handles=20, lag=lag * number, heartbeat_s=1.0)
        for number, rss in enumerate(rss_mib)
    ]


@pytest.mark.parametrize(
    ("seen", "grown"),
    [
        (samples(400, 420, 400, 420, 400), []),
        (samples(400, 410, 420, 430), ["+30.0 MiB of memory, of which 10.0 are allowed"]),
        (samples(400, 400, 400, lag=60), ["+120.0 frames of lag, of which 100.0 are allowed"]),
        (samples(400), []),
    ],
)
def test_growth_is_told_from_noise(seen, grown) -> None:
    assert soak.growth(seen, frames_per_s=100.0) == grown
