"""docker-compose.yml's commands on a broker with exactly its settings; only ports, hosts and paths are others."""

import json
import os
import re
import socket
import subprocess
import sysconfig
import time
from pathlib import Path

import pytest
import yaml
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.wire.topics import Topics
from tests.house.containers import compose, image_environment
from tests.kafka.broker import JVM, Node
from tests.kafka.jars import KafkaMissingError, classpath

pytestmark = pytest.mark.broker

PORT_NAMES = {"29092": "INSIDE", "9092": "HOST", "9093": "CONTROLLER"}
START_S = 60


@pytest.fixture(scope="module")
def services():
    return compose()["services"]


@pytest.fixture(scope="module")
def ports():
    probes = {name: socket.create_server(("127.0.0.1", 0)) for name in (*PORT_NAMES.values(), "HTTP")}
    numbers = {name: probe.getsockname()[1] for name, probe in probes.items()}
    for probe in probes.values():
        probe.close()
    return numbers


@pytest.fixture(scope="module")
def configured(services, ports, tmp_path_factory):
    """The directory in which the program that starts the image's broker has made its files of the environment."""
    directory = tmp_path_factory.mktemp("kafka")
    try:
        jars = classpath()
    except KafkaMissingError as error:
        pytest.skip(str(error))
    given = {name: here(value, ports) for name, value in services["kafka"]["environment"].items()}
    given |= {"KAFKA_LOG_DIRS": str(directory / "data"), "CLUSTER_ID": "facestreamsOfThisTest0"}
    for name in ("default", "mounted", "final"):
        (directory / name).mkdir()
    (directory / "mounted" / "log4j2.yaml").write_text(compose()["configs"]["kafka-log"]["content"])
    (directory / "default" / "tools-log4j2.yaml").touch()
    arguments = [f"--{name}-configs-dir={directory / name}" for name in ("default", "mounted", "final")]
    done = subprocess.run(
        ["java", *JVM, "-cp", jars, "kafka.docker.KafkaDockerWrapper", "setup", *arguments],
        env={"PATH": os.environ["PATH"], **given},
        check=False,
        capture_output=True,
        text=True,
        timeout=START_S,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return directory


def here(value: str, ports) -> str:
    """A listener or voter of the file, on this machine's loopback."""
    value = re.sub(r"://:|://kafka:", "://127.0.0.1:", value)
    return re.sub(r"(?<=:)(\d+)\b", lambda found: str(ports[PORT_NAMES[found[0]]]), value)


@pytest.fixture(scope="module")
def broker(configured, ports):
    lines = (configured / "final" / "server.properties").read_text().split("\n")
    properties = dict(line.split("=", 1) for line in lines if line)
    node = Node(configured, 1, {name: ports[name] for name in PORT_NAMES.values()}, properties)
    node.start()
    try:
        node.wait_ready()
        yield f"127.0.0.1:{ports['INSIDE']}"
    finally:
        node.kill()


@pytest.fixture(scope="module")
def environments(services, broker, ports, tmp_path_factory):
    """By service of ours: what its container has, with paths, addresses and port of this test."""
    directory = tmp_path_factory.mktemp("volumes")
    own = {
        "FACESTREAMS_BOOTSTRAP_SERVERS": broker,
        "FACESTREAMS_KEY_DIR": str(directory / "keys"),
        "FACESTREAMS_CACHE_DIR": str(Path.home() / ".cache" / "facestreams"),
        "FACESTREAMS_SNAPSHOT_DIR": str(directory / "snapshots"),
        "FACESTREAMS_HTTP_HOST": "127.0.0.1",
        "FACESTREAMS_HTTP_PORT": str(ports["HTTP"]),
        "PATH": f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}",
        "HOME": str(directory),
    }
    (directory / "snapshots").mkdir()
    environments = {}
    for name in ("keys", "topics", "processor"):
        named = {**image_environment(), **services[name]["environment"]}
        environments[name] = named | {key: value for key, value in own.items() if key in named or key == "HOME"}
    return environments


def ended(command, environment) -> subprocess.CompletedProcess[str]:
    """The command of a service that ends well."""
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=START_S)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def twice(services, environments):
    """By service of those that end: what it said the first time and the second; in the order of the start."""
    return {
        name: [ended(services[name]["entrypoint"], environments[name]) for _ in range(2)] for name in ("keys", "topics")
    }


def healthy(services, environments) -> subprocess.CompletedProcess[str]:
    program, *arguments = services["processor"]["healthcheck"]["test"][1:]
    command = [Path(sysconfig.get_path("scripts")) / program, *arguments]
    return subprocess.run(command, env=environments["processor"], check=False, capture_output=True, text=True)


def test_the_broker_writes_its_log_to_the_console_alone(configured):
    written = yaml.safe_load((configured / "final" / "log4j2.yaml").read_text())["Configuration"]
    assert written["Appenders"] == {"Console": {"name": "STDOUT", "PatternLayout": {"pattern": "[%d] %p %m (%c)%n"}}}
    assert written["Loggers"]["Root"]["AppenderRef"] == {"ref": "STDOUT"}


async def test_the_broker_runs_with_the_settings_that_the_bounds_rest_on(services, broker):
    client = AIOKafkaAdminClient(bootstrap_servers=broker)
    await client.start()
    try:
        [answer] = await client.describe_configs([ConfigResource(ConfigResourceType.BROKER, "1")])
    finally:
        await client.close()
    found = {entry[0]: entry[1] for resource in answer.resources for entry in resource[4]}
    wanted = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in services["kafka"]["environment"].items()
        if name.startswith(("KAFKA_LOG_RETENTION", "KAFKA_LOG_CLEANER", "KAFKA_LOG_SEGMENT", "KAFKA_AUTO"))
    }
    assert len(wanted) == 5
    assert {name: found[name] for name in wanted} == wanted


def test_keys_are_made_once(twice, environments):
    made, again = (run.stdout.splitlines() for run in twice["keys"])
    files = [path.stem for path in Path(environments["keys"]["FACESTREAMS_KEY_DIR"]).iterdir()]
    assert sorted(line.split(" key ")[1].split(" ")[0] for line in made) == sorted(files)
    assert sorted(line.split(" ")[0] for line in again) == sorted(files)


def test_topics_are_made_once_and_are_as_promised(twice):
    first, second = twice["topics"]
    assert first.stdout.splitlines() == [f"created {spec.name}" for spec in Topics()]
    assert second.stdout == ""
    for run in (first, second):
        assert run.stderr.splitlines()[-1] == "every topic is as promised"


@pytest.mark.usefixtures("twice")
def test_pictures_and_the_forgotten_leave_the_disks_as_soon_as_the_file_says(environments):
    shown = ended(["facestreams", "topics", "show", "--json"], environments["topics"]).stdout
    bounds = {
        (topic["topic"].rpartition(".")[2], bound["subject"]): bound["at_most"]
        for topic in map(json.loads, shown.splitlines())
        for bound in topic["bounds"]
    }
    assert bounds["camera-frames", "a picture's time on the disks"] == (15 * 60 + 10 + 5 + 5) * 1000
    assert bounds["camera-frames", "a processed picture's time on the disks"] == (2 * 10 + 1 + 5 + 5) * 1000
    assert bounds["gallery-commands", "a processed picture's time on the disks"] == (2 * 30 + 1 + 5 + 5) * 1000
    assert bounds["face-features", "a replaced or erased value's time on the disks"] == (60 + 5 + 5) * 1000


@pytest.mark.usefixtures("twice")
def test_the_worker_is_healthy_once_it_is_ready(services, environments, tmp_path):
    assert healthy(services, environments).returncode == 1
    command = ["facestreams", *services["processor"]["command"]]
    with (tmp_path / "log").open("wb") as log:
        worker = subprocess.Popen(command, env=environments["processor"], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + START_S
        while (said := healthy(services, environments)).returncode:
            assert worker.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline, f"{said.stderr}\n{(tmp_path / 'log').read_text()}"
            time.sleep(0.2)
        worker.terminate()
        assert worker.wait(START_S) == 0, (tmp_path / "log").read_text()
    finally:
        worker.kill()
        worker.wait()
    assert (Path(environments["processor"]["FACESTREAMS_SNAPSHOT_DIR"]) / "main" / "0" / "gallery").is_file()
