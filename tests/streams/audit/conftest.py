import pytest

from models.gallery.keys import KeyDirectory


@pytest.fixture(scope="session")
def keys(tmp_path_factory) -> KeyDirectory:
    return KeyDirectory.create(tmp_path_factory.mktemp("audit") / "keys")
