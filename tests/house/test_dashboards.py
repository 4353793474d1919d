"""What Prometheus and Grafana are given: it must agree with itself and with the metrics that there are."""

import json
import re

import pytest
import yaml
from prometheus_client import CollectorRegistry

from streams.monitor.metrics import Metrics


def read_yaml(path):
    return yaml.safe_load(path.read_text("utf-8"))


@pytest.fixture(scope="module")
def dashboard(root):
    return json.loads((root / "dashboards" / "facestreams.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def expressions(dashboard):
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


@pytest.fixture(scope="module")
def metrics():
    """Sample name to the labels it has."""
    registry = CollectorRegistry()
    Metrics(registry)
    labels = {}
    for metric, names in registry._collector_to_names.items():
        for name in names:
            labels[name] = set(metric._labelnames) | ({"le"} if name.endswith("_bucket") else set())
    return labels


def test_every_metric_of_a_panel_exists(expressions, metrics):
    named = {name for expression in expressions for name in re.findall(r"facestreams_\w+", expression)}
    assert named <= set(metrics)


def test_every_metric_that_there_is_has_a_panel(expressions, metrics):
    shown = " ".join(expressions)
    families = {re.sub(r"_(created|sum|count|bucket|total)$", "", name) for name in metrics}
    assert {family for family in families if family not in shown} == set()


def test_every_label_of_a_panel_exists(dashboard, metrics):
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            expression = target["expr"]
            known = {"instance", "job"}.union(*(metrics[name] for name in re.findall(r"facestreams_\w+", expression)))
            grouped = {
                label for labels in re.findall(r"by \(([^)]*)\)", expression) for label in labels.split(", ") if label
            }
            selected = set(re.findall(r"(\w+)=\"", expression))
            shown = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            assert grouped | selected | shown <= known, expression
            if grouped:
                assert shown <= grouped, expression


def test_counters_are_shown_as_rates(expressions):
    for expression in expressions:
        for name in re.findall(r"facestreams_\w+_(?:total|bucket)", expression):
            assert re.search(rf"rate\({name}({{[^}}]*}})?\[\$__rate_interval\]\)", expression), expression


def test_brackets_are_closed(expressions):
    for expression in expressions:
        for opening, closing in ("()", "[]", "{}"):
            assert expression.count(opening) == expression.count(closing), expression


def test_grafana_takes_it_as_it_is(dashboard):
    assert dashboard["schemaVersion"] == 41
    assert dashboard["uid"] == "facestreams"
    assert "id" not in dashboard
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids)) > 0
    for panel in dashboard["panels"]:
        assert panel["title"]
        assert panel["description"].endswith(".")
        references = [target["refId"] for target in panel["targets"]]
        assert len(references) == len(set(references)) > 0


def test_panels_lie_side_by_side(dashboard):
    taken = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


def test_panels_ask_the_datasource_that_is_provisioned(dashboard, root):
    [source] = read_yaml(root / "dashboards" / "grafana" / "datasources" / "prometheus.yml")["datasources"]
    wanted = {"type": source["type"], "uid": source["uid"]}
    assert [panel["datasource"] for panel in dashboard["panels"]] == [wanted] * len(dashboard["panels"])


def test_names_in_the_files_are_those_of_compose(root):
    services = read_yaml(root / "docker-compose.yml")["services"]
    [source] = read_yaml(root / "dashboards" / "grafana" / "datasources" / "prometheus.yml")["datasources"]
    [provider] = read_yaml(root / "dashboards" / "grafana" / "dashboards" / "facestreams.yml")["providers"]
    mounts = dict(volume.split(":")[:2] for volume in services["grafana"]["volumes"])
    assert source["url"] == "http://prometheus:9090"
    assert mounts["./dashboards/grafana"] == "/etc/grafana/provisioning"
    assert mounts["./dashboards"] == provider["options"]["path"]
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{provider['options']['path']}/facestreams.json"


def test_prometheus_asks_every_worker(root):
    config = read_yaml(root / "dashboards" / "prometheus.yml")
    assert set(config) == {"global", "rule_files", "scrape_configs"}
    [job] = config["scrape_configs"]
    [discovery] = job["dns_sd_configs"]
    assert job["job_name"] == "facestreams"
    assert set(discovery["names"]) <= set(read_yaml(root / "docker-compose.yml")["services"])
    dockerfile = (root / "Dockerfile").read_text("utf-8")
    assert f"FACESTREAMS_HTTP_PORT={discovery['port']}" in dockerfile
