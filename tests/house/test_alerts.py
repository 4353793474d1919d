"""The alert rules that Prometheus is given: they speak of metrics, labels and codes that there are."""

import re

import pytest
import yaml
from prometheus_client import CollectorRegistry

from streams.monitor.metrics import Metrics
from streams.wire.codes import MEANING
from tests.house.containers import compose

EVERY_SERIES = {"instance", "job"}


@pytest.fixture(scope="module")
def rules(root):
    [group] = yaml.safe_load((root / "dashboards" / "alerts.yml").read_text("utf-8"))["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


@pytest.fixture(scope="module")
def labels():
    """Sample name to the labels it has."""
    registry = CollectorRegistry()
    Metrics(registry)
    return {
        name: {*metric._labelnames, *EVERY_SERIES, *(["le"] if name.endswith("_bucket") else [])}
        for metric, names in registry._collector_to_names.items()
        for name in names
    }


def series(rule) -> set[str]:
    return set(re.findall(r"facestreams_\w+", rule["expr"]))


def test_prometheus_is_given_them(root):
    named = yaml.safe_load((root / "dashboards" / "prometheus.yml").read_text("utf-8"))["rule_files"]
    mounts = dict(volume.split(":")[:2] for volume in compose()["services"]["prometheus"]["volumes"])
    assert named == ["alerts.yml"]
    assert mounts["./dashboards/alerts.yml"] == "/etc/prometheus/alerts.yml"
    assert mounts["./dashboards/prometheus.yml"] == "/etc/prometheus/prometheus.yml"


def test_every_metric_and_label_of_a_rule_exists(rules, labels):
    for name, rule in rules.items():
        assert series(rule) <= set(labels), name
        known = EVERY_SERIES.union(*(labels[each] for each in series(rule)))
        selected = set(re.findall(r"(\w+)=~?\"", rule["expr"]))
        shown = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        assert selected | shown <= known, name


def test_every_code_of_a_rule_exists(rules):
    named = {
        code
        for rule in rules.values()
        for codes in re.findall(r"code=~?\"([^\"]+)\"", rule["expr"])
        for code in codes.split("|")
    }
    assert {"internal_error", "timed_out"} <= named <= set(MEANING)


def test_a_counter_fires_with_its_first_event(rules):
    counters = {each: rule for rule in rules.values() for each in series(rule) if each.endswith("_total")}
    assert len(counters) >= 3
    for name, rule in counters.items():
        assert f"unless {name} offset 10m) > 0" in " ".join(rule["expr"].split())


def test_every_rule_says_what_is_wrong_and_what_follows(rules):
    assert {"NoWorker", "FramesExpired"} <= set(rules)
    for rule in rules.values():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert set(rule["annotations"]) == {"summary", "description"}
        assert all(text.endswith(".") for text in rule["annotations"].values())
