"""docker-compose.yml, as far as it can be checked without Docker."""

import importlib.metadata
import json
import re

import jsonschema_rs
import msgspec
import pytest
import yaml

from streams.settings import Settings

LOOPBACK_PORT = re.compile(r"127\.0\.0\.1:\d+:\d+")


@pytest.fixture(scope="module")
def compose(root):
    return yaml.safe_load((root / "docker-compose.yml").read_text("utf-8"))


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


def test_it_follows_the_compose_specification(compose, specification):
    assert [f"{error.instance_path}: {error.message}" for error in specification.iter_errors(compose)] == []


def test_the_schema_would_find_a_misspelled_key(compose, specification):
    processor = compose["services"]["processor"] | {"comand": ["worker"]}
    assert not specification.is_valid(compose | {"services": {"processor": processor}})


def test_it_has_what_the_readme_promises(services):
    assert set(services) == {"kafka", "keys", "topics", "processor", "prometheus", "grafana"}


def test_every_image_is_pinned(services, root):
    ours = {name for name, service in services.items() if "build" in service}
    assert ours == {"keys", "topics", "processor"}
    for service in services.values():
        repository, _, tag = service["image"].rpartition(":")
        assert repository
        assert re.fullmatch(r"v?\d+\.\d+\.\d+", tag), service["image"]


def test_our_image_bears_our_version(services, root):
    assert services["processor"]["image"] == f"facestreams:{importlib.metadata.version('facestreams')}"


def test_every_port_is_on_the_loopback(services):
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert all(LOOPBACK_PORT.fullmatch(port) for port in ports)


def test_no_service_steps_out_of_its_container(services):
    for service in services.values():
        assert not {"privileged", "network_mode", "pid", "ipc", "devices"} & set(service)
        assert not [volume for volume in service.get("volumes", []) if "docker.sock" in volume]


def test_ours_has_no_rights_and_a_file_system_that_is_not_written(services):
    for name in ("keys", "topics", "processor"):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["security_opt"] == ["no-new-privileges:true"]


def test_our_settings_are_ones_that_there_are_and_that_are_taken(services):
    known = {f"FACESTREAMS_{field.name.upper()}" for field in msgspec.structs.fields(Settings)}
    for name in ("keys", "topics", "processor"):
        environment = services[name]["environment"]
        assert set(environment) <= known
        settings = Settings.from_environment(environment)
        assert settings.bootstrap_servers in services["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]


def test_the_images_settings_are_ones_that_there_are(root):
    known = {f"FACESTREAMS_{field.name.upper()}" for field in msgspec.structs.fields(Settings)}
    named = set(re.findall(r"FACESTREAMS_[A-Z_]+", (root / "Dockerfile").read_text("utf-8")))
    assert named
    assert named <= known


def test_the_worker_comes_after_a_healthy_broker_its_topics_and_its_keys(services):
    assert services["topics"]["depends_on"]["kafka"]["condition"] == "service_healthy"
    assert services["processor"]["depends_on"] == {
        "keys": {"condition": "service_completed_successfully"},
        "topics": {"condition": "service_completed_successfully"},
    }
    assert services["kafka"]["healthcheck"]["test"][0] == "CMD"


def test_nothing_is_lost_with_a_container(compose, services):
    kept = {
        "kafka": "kafka-data:/var/lib/kafka/data",
        "keys": "keys:/var/lib/facestreams",
        "processor": "keys:/var/lib/facestreams",
        "prometheus": "prometheus-data:/prometheus",
        "grafana": "grafana-data:/var/lib/grafana",
    }
    for name, volume in kept.items():
        assert volume in services[name]["volumes"]
    assert set(compose["volumes"]) == {volume.partition(":")[0] for volume in kept.values()}
    assert services["kafka"]["environment"]["KAFKA_LOG_DIRS"] == "/var/lib/kafka/data"


def test_what_is_mounted_exists(services, root):
    mounted = [
        volume.split(":")[0]
        for service in services.values()
        for volume in service.get("volumes", [])
        if volume.startswith(".")
    ]
    assert len(mounted) == 3
    assert all((root / path).exists() for path in mounted)


def test_nobody_can_log_in_with_a_default_password(services):
    grafana = services["grafana"]["environment"]
    assert grafana["GF_AUTH_DISABLE_LOGIN_FORM"] == "true"
    assert grafana["GF_AUTH_BASIC_ENABLED"] == "false"
    assert grafana["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert not [name for service in services.values() for name in service.get("environment", {}) if "PASSWORD" in name]
