"""What the repository holds, and what it may not hold."""

import hashlib
import tomllib

PICTURES_AND_NETWORKS = {
    ".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".mp4", ".avi", ".mkv",
    ".onnx", ".pt", ".pth", ".safetensors", ".caffemodel", ".tflite", ".npy", ".npz",
}  # fmt: skip
LARGEST_BYTES = 400_000

APACHE_2_0_SHA256 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
"""Of the text that the Apache Software Foundation publishes."""


def test_no_picture_and_no_network_is_kept(kept_files):
    assert [path for path in kept_files if path.suffix.lower() in PICTURES_AND_NETWORKS] == []
    assert [path for path in kept_files if path.stat().st_size > LARGEST_BYTES] == []


def test_the_licence_is_the_one_that_is_named(root):
    text = (root / "LICENSE").read_bytes()
    assert hashlib.sha256(text).hexdigest() == APACHE_2_0_SHA256
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    assert (project["license"], project["license-files"]) == ("Apache-2.0", ["LICENSE"])


def test_the_changelog_has_the_version_that_is_built(root):
    version = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    headings = [line for line in (root / "CHANGELOG.md").read_text("utf-8").splitlines() if line.startswith("## ")]
    assert headings[0] == "## [Unreleased]"
    assert headings[1].startswith(f"## [{version}]")


def test_tests_are_no_packages(root):
    # a package tests/models would stand in the way of models
    assert list((root / "tests").rglob("__init__.py")) == []
