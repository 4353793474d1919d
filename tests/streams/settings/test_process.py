from pathlib import Path

import pytest

from streams.settings import SettingsError, every_account, from_process, served_accounts


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An accounts file of two; nothing of whoever runs the tests."""
    import os

    for name in [name for name in os.environ if name.startswith("FACESTREAMS_")]:
        monkeypatch.delenv(name)
    path = tmp_path / "accounts.toml"
    path.write_text("[accounts.acme]\napp_id = '1'\n[accounts.zoo]\napp_id = '2'\n")
    monkeypatch.setenv("FACESTREAMS_ACCOUNTS_FILE", str(path))
    return path


def ids(found) -> list[tuple[str, str]]:
    return [(each.account, each.app_id) for each in found]


def test_all_are_meant_where_no_option_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESTREAMS_ACCOUNT", "zoo")
    assert ids(every_account({})) == [("acme", "1"), ("zoo", "2")]
    assert ids(every_account({"FACESTREAMS_ACCOUNT": "acme"})) == [("acme", "1")]


def test_a_command_for_one_takes_the_one_of_the_option_else_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FACESTREAMS_ACCOUNT", "zoo")
    assert ids([from_process({})]) == [("zoo", "2")]
    assert ids([from_process({"FACESTREAMS_ACCOUNT": "acme"})]) == [("acme", "1")]


@pytest.mark.parametrize("name", ["main", "acme"])
def test_an_account_that_nobody_named_is_not_guessed(environment: Path, name: str) -> None:
    environment.write_text(f"[accounts.{name}]\n[accounts.zoo]\n")
    with pytest.raises(
        SettingsError, match=rf"^FACESTREAMS_ACCOUNT: expected an account of ACCOUNTS_FILE: {name}, zoo$"
    ):
        from_process({})


def test_without_a_file_the_environment_is_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FACESTREAMS_ACCOUNTS_FILE")
    assert ids(every_account({})) == ids(served_accounts({})) == [("main", "0")]


def test_who_serves_needs_a_user_for_each(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {
        "SECURITY_PROTOCOL": "SASL_SSL",
        "SASL_MECHANISM": "PLAIN",
        "SASL_USERNAME": "operator",
        "SASL_PASSWORD_FILE": "/secret",
    }.items():
        monkeypatch.setenv(f"FACESTREAMS_{name}", text)
    assert ids(every_account({})) == [("acme", "1"), ("zoo", "2")]
    for options in ({}, {"FACESTREAMS_ACCOUNT": "acme"}):
        with pytest.raises(SettingsError, match="acme and zoo share sasl_username"):
            served_accounts(options)


def test_an_option_is_of_the_account_that_it_names(tmp_path: Path) -> None:
    named = {"FACESTREAMS_ACCOUNT": "acme", "FACESTREAMS_KEY_DIR": str(tmp_path)}
    [served] = served_accounts(named)
    assert (served.account, served.key_dir) == ("acme", tmp_path)
    with pytest.raises(SettingsError, match="expected an account of ACCOUNTS_FILE: acme, zoo"):
        served_accounts({"FACESTREAMS_ACCOUNT": "main"})
