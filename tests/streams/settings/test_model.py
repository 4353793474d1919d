from pathlib import Path

import pytest

from streams.settings import Settings, SettingsError, from_process
from streams.settings.gallery_rules import GalleryRules


def read(**given: str) -> Settings:
    return Settings.from_environment(
        {"HOME": "/home/ada"} | {f"FACESTREAMS_{name}": text for name, text in given.items()}
    )


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = read()

    assert settings.bootstrap_servers == "127.0.0.1:9092"
    assert settings.partitions == 12
    assert settings.galleries == GalleryRules("*=default")
    assert settings.snapshot_dir is None
    assert settings.min_face_px is None
    assert settings.key_dir == Path("/home/ada/.local/share/facestreams/keys/main")
    assert settings.cache_dir == Path("/home/ada/.cache/facestreams")


def test_every_kind_of_value_is_read_from_text() -> None:
    settings = read(
        PARTITIONS="6",
        FALSE_POSITIVE_RATE="0.001",
        MIN_FACE_PX="40",
        RECHECK_S="2.5",
        BROKER="embedded",
        KEY_DIR="/keys",
        SNAPSHOT_DIR="/snapshots",
        GALLERIES="lobby*=vip,default;*=default",
    )

    assert settings.partitions == 6
    assert settings.false_positive_rate == 0.001
    assert settings.min_face_px == 40
    assert settings.recheck_s == 2.5
    assert settings.broker == "embedded"
    assert settings.key_dir == Path("/keys")
    assert settings.snapshot_dir == Path("/snapshots")
    assert settings.galleries.of("lobby-1") == ("vip", "default")


def test_the_key_directory_follows_account_and_data_home() -> None:
    environ = {"HOME": "/home/ada", "XDG_DATA_HOME": "/data", "XDG_CACHE_HOME": "/cache", "FACESTREAMS_ACCOUNT": "acme"}

    settings = Settings.from_environment(environ)

    assert settings.key_dir == Path("/data/facestreams/keys/acme")
    assert settings.cache_dir == Path("/cache/facestreams")


def test_a_relative_data_home_is_ignored() -> None:
    settings = Settings.from_environment({"HOME": "/home/ada", "XDG_DATA_HOME": "data"})

    assert settings.key_dir == Path("/home/ada/.local/share/facestreams/keys/main")


def test_an_empty_value_counts_as_not_given() -> None:
    assert read(PARTITIONS="", GALLERIES="", SNAPSHOT_DIR="") == read()


def test_names_of_others_and_of_the_benchmark_are_left_alone() -> None:
    assert read(BENCH_CLIPS="/clips") == read()
    assert Settings.from_environment({"HOME": "/home/ada", "PARTITIONS": "x"}) == read()


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(SettingsError) as refused:
        read(PARTITION="3")

    assert str(refused.value) == "FACESTREAMS_PARTITION: no such setting; did you mean FACESTREAMS_PARTITIONS?"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("PARTITIONS", "0", "a whole number of at least 1 and at most 1000"),
        ("PARTITIONS", "twelve", "a whole number of at least 1 and at most 1000"),
        ("DETECT_SIZE", "650", "a whole number of at least 128 and at most 1920, a multiple of 128"),
        ("FALSE_POSITIVE_RATE", "1", "a number above 0 and below 1"),
        ("VISIT_TIMEOUT_S", "nan", "a number above 0 and at most 3600"),
        ("VISIT_TIMEOUT_S", "inf", "a number above 0 and at most 3600"),
        ("BROKER", "rabbit", "embedded or kafka"),
        ("ACCOUNT", "a.b", "up to 64 of letters, digits, _ and -"),
        ("ACCOUNT", "../x", "up to 64 of letters, digits, _ and -"),
        ("BOOTSTRAP_SERVERS", "kafka", "host:port, comma-separated"),
        ("BOOTSTRAP_SERVERS", "kafka:9092,kafka-2:65536", "names of hosts, and ports from 1 to 65535"),
        ("BOOTSTRAP_SERVERS", "kafka:0", "names of hosts, and ports from 1 to 65535"),
        ("BOOTSTRAP_SERVERS", "kafka..internal:9092", "names of hosts, and ports from 1 to 65535"),
        ("KEY_DIR", "~nobody-of-this-name/keys", "a path"),
        ("GALLERIES", "lobby", "pattern=gallery,...;pattern=gallery,..."),
    ],
)
def test_a_value_out_of_range_is_refused_with_what_was_expected(name: str, text: str, expected: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(**{name: text})

    message = str(refused.value)
    assert message.startswith(f"FACESTREAMS_{name}: expected {expected} (")
    assert "\n" not in message
    assert refused.value.variable == f"FACESTREAMS_{name}"


@pytest.mark.parametrize("servers", ["kafka:1", "[::1]:65535,10.0.0.7:9092", "a_b.internal.:9092"])
def test_hosts_and_ports_that_may_exist_are_taken(servers: str) -> None:
    assert read(BOOTSTRAP_SERVERS=servers).bootstrap_servers == servers


def test_a_refused_value_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as refused:
        read(BROKER="hunter2")

    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_heartbeats_must_fit_into_the_timeouts() -> None:
    with pytest.raises(SettingsError, match="FACESTREAMS_HEARTBEAT_S: expected at most half"):
        read(HEARTBEAT_S="4")

    assert read(HEARTBEAT_S="3").heartbeat_s == 3


@pytest.mark.parametrize(
    ("given", "timeout_s"),
    [
        ({}, 2.0),
        ({"REBALANCE_TIMEOUT_S": "60"}, 2.0),
        ({"REBALANCE_TIMEOUT_S": "3"}, 1.0),
        ({"RECOGNIZE_TIMEOUT_S": "2.4"}, 2.4),
    ],
)
def test_two_tries_to_recognise_fit_into_the_rebalance_timeout(given: dict[str, str], timeout_s: float) -> None:
    settings = read(**given)

    assert settings.effective_recognize_timeout_s == timeout_s
    assert 2 * 1.25 * timeout_s <= settings.rebalance_timeout_s


def test_a_deadline_that_outlasts_a_rebalance_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"FACESTREAMS_RECOGNIZE_TIMEOUT_S: expected at most 0\.4 of REBALANCE"):
        read(RECOGNIZE_TIMEOUT_S="2.5")


def test_options_go_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESTREAMS_PREFIX", "from-environment")
    monkeypatch.setenv("FACESTREAMS_REGION", "north")

    settings = from_process({"FACESTREAMS_PREFIX": "from-option"})

    assert (settings.prefix, settings.region) == ("from-option", "north")


def test_connection_and_topics_follow_the_settings() -> None:
    settings = read(BOOTSTRAP_SERVERS="b1:9092,b2:9092", PREFIX="video", ACCOUNT="acme", PARTITIONS="3")

    assert settings.connection().bootstrap_servers == "b1:9092,b2:9092"
    assert settings.topics().name("sightings") == "video.acme.sightings"
    assert settings.topics().spec("camera-frames").partitions == 3
