import os
import subprocess
import sys
from pathlib import Path

import pytest

from streams.cli.packages import ROOT, ShadowedPackageError, require_own_packages


def test_our_packages_are_ours() -> None:
    require_own_packages()


def test_a_package_from_elsewhere_is_named(tmp_path: Path) -> None:
    with pytest.raises(ShadowedPackageError) as refused:
        require_own_packages(("models",), tmp_path)

    assert f"package models: expected {tmp_path}/models/__init__.py, found {ROOT}/models/__init__.py" in str(
        refused.value
    )


def test_a_package_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ShadowedPackageError, match="found nothing"):
        require_own_packages(("no_such_package_of_ours",), tmp_path)


def test_the_command_refuses_a_models_package_that_comes_first(tmp_path: Path) -> None:
    stranger = tmp_path / "models" / "__init__.py"
    stranger.parent.mkdir()
    stranger.write_text("raise RuntimeError('imported')")

    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(1, {str(ROOT)!r})\nfrom streams.cli import main; main()",
            "persons",
        ],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 3
    assert ended.stderr.count("\n") == 1
    assert f"found {stranger}; another package of that name comes first on Python's path" in ended.stderr
