"""Every metric that a document or a dashboard names is one that a worker has."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from streams.monitor.metrics import Metrics

DOCUMENTS = ("README.md", "PRIVACY.md", "SECURITY.md", "CHANGELOG.md", "models/gallery/KEYS.md")


@pytest.fixture(scope="module")
def metrics() -> set[str]:
    """As they are asked for: a counter ends in _total."""
    registry = CollectorRegistry()
    Metrics(registry)
    names = set(registry._names_to_collectors)
    return {name for name in names if f"{name}_total" not in names}


def named(path: Path) -> Iterator[str]:
    """Of the changelog, what is not yet released: a name may change after that."""
    text = path.read_text("utf-8")
    if path.name == "CHANGELOG.md":
        text = text.split("\n## [Unreleased]\n")[1].split("\n## [")[0]
    yield from re.findall(r"\bfacestreams_\w+", text)


def test_every_metric_of_a_document_exists(root: Path, metrics: set[str]) -> None:
    paths = [*(root / name for name in DOCUMENTS), *(root / "dashboards").glob("*.*")]
    found = [(path.name, name) for path in paths for name in named(path)]
    assert {file for file, _ in found} >= {"README.md", "CHANGELOG.md", "KEYS.md", "alerts.yml", "facestreams.json"}
    assert [(file, name) for file, name in found if name not in metrics] == []
