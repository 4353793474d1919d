from pathlib import Path

import pytest

from models.gallery.keys import KeyDirectory
from tests.streams.audit.made import disks


@pytest.fixture(scope="session")
def keys(tmp_path_factory) -> KeyDirectory:
    return KeyDirectory.create(tmp_path_factory.mktemp("audit") / "keys")


@pytest.fixture
def directories(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """A broker's log.dirs with a copy of every partition, none of which holds a record."""
    return disks(tmp_path_factory.mktemp("log.dirs"))
