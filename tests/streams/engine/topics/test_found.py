"""What the cluster answers, and what it refuses to say, as aiokafka hands it out."""

from types import SimpleNamespace

import pytest
from aiokafka.admin.config_resource import ConfigResourceType

from streams.engine.topics.admin import AdminError
from streams.engine.topics.found import FoundTopic, Housekeeping, read_housekeeping, read_topics

TOPIC, TAKEN_OVER = 1, 5


class Cluster:
    """Answers as the admin client does.

    codes: of settings, by topic's or broker's name; described: of descriptions, by topic's name. Others are 0.
    """

    def __init__(self, *, topics=(), brokers=None, codes=None, described=None, away=None) -> None:
        self._topics = dict(topics)
        self._brokers = brokers or {}
        self._codes = codes or {}
        self._described = described or {}
        self._away = away
        self.asked: list[str] = []

    async def list_topics(self):
        return [*self._topics, "of-somebody-else"]

    async def describe_topics(self, names):
        return [
            {
                "topic": name,
                "error_code": self._described.get(name, 0),
                "partitions": [
                    {"replicas": replicas, "isr": [each for each in replicas if each != self._away], "error_code": 0}
                    for replicas in self._topics[name]
                ],
            }
            for name in names
        ]

    async def describe_cluster(self):
        return {"brokers": [{"node_id": number} for number in self._brokers]}

    async def describe_configs(self, resources):
        answers = []
        for resource in resources:
            self.asked.append(resource.name)
            code = self._codes.get(resource.name, 0)
            entries = self._entries(resource) if code == 0 else []
            answers.append((code, None, resource.resource_type, resource.name, entries))
        return [SimpleNamespace(resources=answers)]

    def _entries(self, resource):
        if resource.resource_type is ConfigResourceType.TOPIC:
            return [
                ("cleanup.policy", "delete", False, TOPIC, False, []),
                ("retention.ms", "604800000", False, TAKEN_OVER, False, []),
                ("log.roll.ms", None, False, TAKEN_OVER, False, []),
            ]
        return [(name, value, True, 4, False, []) for name, value in self._brokers[int(resource.name)].items()]


def broker(check_ms: int = 300_000, backoff_ms: int = 15_000, **others: str) -> dict[str, str]:
    return {
        "log.retention.check.interval.ms": str(check_ms),
        "log.cleaner.backoff.ms": str(backoff_ms),
        **{name.replace("_", "."): value for name, value in others.items()},
    }


async def test_a_topic_with_its_shape_what_is_in_effect_and_what_is_its_own() -> None:
    cluster = Cluster(topics=[("a", [[1, 2, 3], [2, 3]])])
    assert await read_topics(cluster, ["a", "missing"], configs=True) == {
        "a": FoundTopic(
            "a", 2, 2, {"cleanup.policy": "delete", "retention.ms": "604800000"}, {"cleanup.policy": "delete"}
        )
    }
    assert cluster.asked == ["a"]


@pytest.mark.parametrize(("away", "in_sync"), [(None, True), (3, False)])
async def test_whether_every_copy_has_what_the_leader_has(away: int | None, in_sync: bool) -> None:
    cluster = Cluster(topics=[("a", [[1, 2, 3], [2, 3]])], away=away)
    assert (await read_topics(cluster, ["a"], configs=False))["a"].in_sync is in_sync


async def test_settings_that_are_not_wanted_are_not_asked_for() -> None:
    cluster = Cluster(topics=[("a", [[1]])])
    assert await read_topics(cluster, ["a"], configs=False) == {"a": FoundTopic("a", 1, 1, {}, {})}
    assert cluster.asked == []


async def test_no_topic_at_all() -> None:
    assert await read_topics(Cluster(), ["a"], configs=True) == {}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (29, "this user may not read the settings of a: it needs the right DescribeConfigs on it"),
        (3, "a was deleted while it was looked at"),
        (7, "the broker does not tell the settings of a: RequestTimedOutError"),
    ],
)
async def test_a_refused_topic_is_said_in_words(code, words) -> None:
    with pytest.raises(AdminError) as refusal:
        await read_topics(Cluster(topics=[("a", [[1]])], codes={"a": code}), ["a"], configs=True)
    assert str(refusal.value).strip() == words


@pytest.mark.parametrize(
    ("code", "replicas", "words"),
    [
        (29, [], "the broker does not describe a: TopicAuthorizationFailedError"),
        (3, [], "a was deleted while it was looked at"),
        (0, [], "the broker names no partition of a"),
    ],
)
async def test_a_topic_that_is_not_described_has_no_shape(code, replicas, words) -> None:
    cluster = Cluster(topics=[("a", replicas)], described={"a": code})
    with pytest.raises(AdminError, match=f"^{words}$"):
        await read_topics(cluster, ["a"], configs=False)


async def test_of_several_brokers_the_slowest_counts() -> None:
    brokers = {1: broker(1000, 20), 2: broker(30, 400, log_cleaner_enable="true"), 3: broker(500, 30)}
    assert await read_housekeeping(Cluster(brokers=brokers)) == Housekeeping(1000, 400, compacts=True)


async def test_one_broker_that_does_not_compact_is_enough() -> None:
    brokers = {1: broker(log_cleaner_enable="true"), 2: broker(log_cleaner_enable="false")}
    assert await read_housekeeping(Cluster(brokers=brokers)) == Housekeeping(compacts=False)


async def test_who_may_not_ask_the_brokers_assumes_kafkas_defaults() -> None:
    cluster = Cluster(brokers={1: broker(1000, 200)}, codes={"1": 31})
    assert await read_housekeeping(cluster) == Housekeeping(300_000, 15_000, compacts=True, assumed=True)


async def test_a_broker_that_does_not_answer_is_an_error() -> None:
    with pytest.raises(AdminError, match=r"^broker 1 does not tell its settings: RequestTimedOutError"):
        await read_housekeeping(Cluster(brokers={1: broker()}, codes={"1": 7}))


async def test_brokers_that_do_not_tell_a_setting_are_an_error() -> None:
    with pytest.raises(AdminError, match=r"^the brokers do not tell log\.cleaner\.backoff\.ms; Apache Kafka 4 does$"):
        await read_housekeeping(Cluster(brokers={1: {"log.retention.check.interval.ms": "1000"}}))
