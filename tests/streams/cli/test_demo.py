import sys
from pathlib import Path
from types import SimpleNamespace

import pytest


def test_the_demos_code_is_the_commands_code(facestreams, monkeypatch: pytest.MonkeyPatch) -> None:
    given = []

    def run_demo(**options: object) -> int:
        given.append(options)
        return 1

    monkeypatch.setitem(sys.modules, "streams.demo.run", SimpleNamespace(run_demo=run_demo))

    assert facestreams("demo", "--report", "out.json", "--seconds", "12") == (1, "", "")
    assert given == [{"report": Path("out.json"), "seconds": 12.0}]
