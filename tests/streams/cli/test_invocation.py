import pytest
import typer

from streams.cli.exit_codes import ExitCode
from streams.cli.invocation import Invocation, option_of, overrides
from streams.settings import SettingsError


def test_options_go_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESTREAMS_ACCOUNT", "from-environment")
    monkeypatch.setenv("FACESTREAMS_REGION", "north")

    settings = Invocation(overrides({"account": "from-option", "prefix": None})).settings()

    assert (settings.account, settings.region, settings.prefix) == ("from-option", "north", "facestreams")


def test_a_wrong_option_is_named_as_an_option(facestreams) -> None:
    code, _, err = facestreams("--bootstrap-servers", "nonsense", "persons")

    assert code == ExitCode.USAGE
    assert "Invalid value for --bootstrap-servers: expected host:port" in err


def test_a_wrong_variable_is_named_as_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESTREAMS_PARTITIONS", "0")

    with pytest.raises(SettingsError, match="FACESTREAMS_PARTITIONS"):
        Invocation({}).settings()
    with pytest.raises(typer.BadParameter):
        Invocation({"FACESTREAMS_PARTITIONS": "-1"}).settings()


def test_an_option_is_named_after_its_variable() -> None:
    assert option_of("FACESTREAMS_BOOTSTRAP_SERVERS") == "--bootstrap-servers"
