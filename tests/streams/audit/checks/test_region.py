from streams.audit.checks.region import Region
from streams.wire.topics import RUNNING_LOG
from tests.streams.audit.made import concluded, entry, shown


def test_records_of_this_region_are_held() -> None:
    finding = concluded(Region("eu"), shown(RUNNING_LOG, entry(0)), shown(RUNNING_LOG, entry(1)))
    assert finding.verdict == "held"
    assert finding.evidence == ("records that name a region: 2 on running-log; this deployment's is 'eu'",)


def test_one_of_another_is_broken() -> None:
    finding = concluded(Region("eu"), shown(RUNNING_LOG, entry(0)), shown(RUNNING_LOG, entry(1, region="us"), offset=9))
    assert finding.breaches == ("a record of another region: 'us' at running-log-0@9",)


def test_without_records_nothing_is_seen() -> None:
    assert concluded(Region("eu")).verdict == "not_observable"
