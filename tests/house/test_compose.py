"""docker-compose.yml, as far as it can be checked without Docker and without a broker."""

import importlib.metadata
import json
import re

import jsonschema_rs
import msgspec
import pytest
import yaml

from streams.settings import Settings
from streams.wire.topics import ERROR_LOG, ERROR_LOG_CEILING_BYTES, error_log_bound_bytes
from tests.house.containers import compose as read_compose
from tests.house.containers import image_environment

OURS = ("keys", "topics", "processor")
LOOPBACK_PORT = re.compile(r"127\.0\.0\.1:\d+:\d+")


@pytest.fixture(scope="module")
def compose():
    return read_compose()


@pytest.fixture(scope="module")
def services(compose):
    return compose["services"]


@pytest.fixture(scope="module")
def specification():
    """The compose specification's schema; check-jsonschema ships it."""
    file = importlib.metadata.distribution("check-jsonschema").locate_file(
        "check_jsonschema/builtin_schemas/vendor/compose-spec.json"
    )
    return jsonschema_rs.validator_for(json.loads(file.read_text("utf-8")))


def tmpfs(service) -> dict[str, str]:
    """Where the service has file systems in memory, and how."""
    return {path: options for path, _, options in (entry.partition(":") for entry in service.get("tmpfs", []))}


def test_it_follows_the_compose_specification(compose, specification):
    assert [f"{error.instance_path}: {error.message}" for error in specification.iter_errors(compose)] == []


def test_the_schema_would_find_a_misspelled_key(compose, specification):
    processor = compose["services"]["processor"] | {"comand": ["worker"]}
    assert not specification.is_valid(compose | {"services": {"processor": processor}})


def test_it_has_what_the_readme_promises(services):
    assert set(services) == {"kafka", "keys", "topics", "processor", "prometheus", "grafana"}


def test_every_image_is_pinned(services):
    assert {name for name, service in services.items() if "build" in service} == set(OURS)
    for service in services.values():
        repository, _, tag = service["image"].rpartition(":")
        assert repository
        assert re.fullmatch(r"v?\d+\.\d+\.\d+", tag), service["image"]


def test_our_image_bears_our_version(services):
    assert services["processor"]["image"] == f"facestreams:{importlib.metadata.version('facestreams')}"


def test_kafka_is_the_one_that_the_tests_run(services, root):
    [version] = re.findall(
        r"<artifactId>kafka_2\.13</artifactId>\s*<version>([^<]+)</version>", (root / "tests/kafka/pom.xml").read_text()
    )
    assert services["kafka"]["image"] == f"apache/kafka:{version}"


def test_every_port_is_on_the_loopback(services):
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert all(LOOPBACK_PORT.fullmatch(port) for port in ports)


def test_no_service_steps_out_of_its_container(services):
    for service in services.values():
        assert not {"privileged", "pid", "ipc", "devices", "cap_add", "userns_mode"} & set(service)
        assert service.get("network_mode", "none") == "none"
        assert not [volume for volume in service.get("volumes", []) if "docker.sock" in volume]


def test_no_service_has_rights_or_writes_but_where_it_is_told(services):
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["user"] not in ("root", "0", "0:0"), name
        assert service["ulimits"] == {"core": 0}, f"a crash of {name} leaves what was in its memory"


def test_no_service_can_take_the_machine(services):
    for name, service in services.items():
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}, name
        assert service["logging"] == {"driver": "local"}, f"{name}'s log is not turned over"
        for path, options in tmpfs(service).items():
            assert "size=" in options, f"{name} may fill the memory by {path}"


def test_a_worker_computes_with_no_more_threads_than_it_has_processors(services):
    processor = services["processor"]
    assert processor["environment"]["FACESTREAMS_THREADS"] == processor["deploy"]["resources"]["limits"]["cpus"]


def test_any_number_of_workers_may_run(services):
    processor = services["processor"]
    assert not {"container_name", "hostname", "ports"} & set(processor)
    snapshots = processor["environment"]["FACESTREAMS_SNAPSHOT_DIR"]
    assert "uid=10001" in tmpfs(processor)[snapshots]
    assert "mode=0700" in tmpfs(processor)[snapshots]
    assert not [volume for volume in processor["volumes"] if f":{snapshots}" in volume], "shared by the workers"


def test_our_settings_are_ones_that_there_are_and_that_are_taken(services):
    known = {f"FACESTREAMS_{field.name.upper()}" for field in msgspec.structs.fields(Settings)}
    for name in OURS:
        environment = services[name]["environment"]
        assert set(environment) <= known
        settings = Settings.from_environment({**image_environment(), **environment})
        assert settings.bootstrap_servers in services["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]


def test_all_of_ours_have_the_same_topics(services):
    made = {name: Settings.from_environment(services[name]["environment"]) for name in OURS}
    assert made["topics"].topics() == made["processor"].topics()
    assert made["keys"].key_dir == made["processor"].key_dir


def test_the_images_settings_are_ones_that_there_are():
    known = {f"FACESTREAMS_{field.name.upper()}" for field in msgspec.structs.fields(Settings)}
    named = {name for name in image_environment() if name.startswith("FACESTREAMS_")}
    assert named
    assert named <= known


def test_the_worker_comes_after_a_healthy_broker_its_topics_and_its_keys(services):
    assert services["topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}
    assert services["processor"]["depends_on"] == {
        "kafka": {"condition": "service_healthy"},
        "keys": {"condition": "service_completed_successfully"},
        "topics": {"condition": "service_completed_successfully"},
    }
    assert services["grafana"]["depends_on"] == {"prometheus": {"condition": "service_healthy"}}


def test_what_goes_on_is_looked_after_and_started_again(services):
    goes_on = set(services) - {"keys", "topics"}
    for name in goes_on:
        assert services[name]["healthcheck"]["test"], name
        assert services[name]["restart"] == "unless-stopped", name
    assert not [name for name in ("keys", "topics") if "restart" in services[name]]


def test_only_what_must_reaches_the_broker(services):
    assert services["keys"]["network_mode"] == "none"
    networks = {name: service["networks"] for name, service in services.items() if name != "keys"}
    assert networks == {
        "kafka": ["broker"],
        "topics": ["broker"],
        "processor": ["broker", "metrics"],
        "prometheus": ["metrics"],
        "grafana": ["metrics"],
    }


def test_nothing_is_lost_with_a_container(compose, services):
    kept = {
        "kafka": "kafka-data:/var/lib/kafka/data",
        "keys": "keys:/var/lib/facestreams",
        "processor": "keys:/var/lib/facestreams:ro",
        "prometheus": "prometheus-data:/prometheus",
        "grafana": "grafana-data:/var/lib/grafana",
    }
    for name, volume in kept.items():
        assert volume in services[name]["volumes"]
    assert set(compose["volumes"]) == {volume.partition(":")[0] for volume in kept.values()}
    assert services["kafka"]["environment"]["KAFKA_LOG_DIRS"] == "/var/lib/kafka/data"
    assert image_environment()["FACESTREAMS_KEY_DIR"].startswith("/var/lib/facestreams/")


def test_the_error_log_keeps_below_its_ceiling_on_this_broker(services):
    topics = Settings.from_environment(services["processor"]["environment"]).topics()
    check_s = int(services["kafka"]["environment"]["KAFKA_LOG_RETENTION_CHECK_INTERVAL_MS"]) / 1000
    bound = error_log_bound_bytes(topics.spec(ERROR_LOG), retention_check_interval_s=check_s)
    assert bound < ERROR_LOG_CEILING_BYTES


def test_what_is_mounted_exists(services, root):
    mounted = [
        volume.split(":")[0]
        for service in services.values()
        for volume in service.get("volumes", [])
        if volume.startswith(".")
    ]
    assert len(mounted) == 4
    assert all((root / path).exists() for path in mounted)


def test_kafka_is_given_its_log_where_its_image_looks_for_it(compose, services):
    [given] = services["kafka"]["configs"]
    assert given == {"source": "kafka-log", "target": "/mnt/shared/config/log4j2.yaml"}
    log = yaml.safe_load(compose["configs"]["kafka-log"]["content"])
    assert set(log["Configuration"]["Appenders"]) == {"Console"}


def test_nobody_can_log_in_with_a_default_password(services):
    grafana = services["grafana"]["environment"]
    assert grafana["GF_AUTH_DISABLE_LOGIN_FORM"] == "true"
    assert grafana["GF_AUTH_BASIC_ENABLED"] == "false"
    assert grafana["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert grafana["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert not [name for service in services.values() for name in service.get("environment", {}) if "PASSWORD" in name]
