from pathlib import Path

import pytest

from streams.settings import SettingsError
from streams.settings.accounts import ONE_A_DEPLOYMENT, Accounts, check_users_apart

HOME = {"HOME": "/home/ada"}
TWO = """
[accounts.acme]
app_id = "1001"
key_dir = "/keys/acme"

[accounts.zoo]
key_dir = "/keys/zoo"
threads = 1
"""


@pytest.fixture
def read(tmp_path: Path):
    def read_text(text: str) -> Accounts:
        path = tmp_path / "accounts.toml"
        path.write_text(text)
        return Accounts.read(path)

    return read_text


def refusal(call) -> str:
    with pytest.raises(SettingsError) as refused:
        call()
    return str(refused.value)


def test_a_table_goes_over_the_environment_and_an_option_over_both(read) -> None:
    environ = {**HOME, "FACESTREAMS_APP_ID": "7", "FACESTREAMS_THREADS": "3", "FACESTREAMS_REGION": "eu"}

    acme, zoo = read(TWO).every(environ, {"FACESTREAMS_PARTITIONS": "5"})

    assert (acme.account, acme.app_id, acme.threads, acme.region) == ("acme", "1001", 3, "eu")
    assert (zoo.account, zoo.app_id, zoo.threads, zoo.region) == ("zoo", "7", 1, "eu")
    assert {acme.partitions, zoo.partitions} == {5}
    assert read(TWO).settings("zoo", environ, {"FACESTREAMS_THREADS": "9"}).threads == 9


def test_the_environments_own_account_does_not_matter_to_a_table(read) -> None:
    environ = {**HOME, "FACESTREAMS_ACCOUNT": "main"}
    assert [each.account for each in read(TWO).every(environ, {})] == ["acme", "zoo"]
    assert read(TWO).settings("acme", environ, {}).topics().name("visits") == "facestreams.acme.visits"


def test_without_a_directory_of_its_own_an_account_has_the_one_of_its_name(read) -> None:
    [one, other] = read("[accounts.a]\n[accounts.b]\n").every(HOME, {})
    assert [each.key_dir.parts[-2:] for each in (one, other)] == [("keys", "a"), ("keys", "b")]


@pytest.mark.parametrize(
    ("environ", "ports"),
    [
        ({}, [8780, 8781]),
        ({"FACESTREAMS_HTTP_PORT": "9000"}, [9000, 9001]),
        ({"FACESTREAMS_HTTP_PORT": "0"}, [0, 0]),
    ],
)
def test_ports_follow_each_other(read, environ: dict[str, str], ports: list[int]) -> None:
    assert [each.http_port for each in read(TWO).every({**HOME, **environ}, {})] == ports
    assert read(TWO).settings("zoo", {**HOME, **environ}, {}).http_port == ports[1]


def test_a_port_of_its_own_stays(read) -> None:
    accounts = read(TWO.replace("threads = 1", "http_port = 9100"))
    assert [each.http_port for each in accounts.every(HOME, {})] == [8780, 9100]


@pytest.mark.parametrize("name", sorted(ONE_A_DEPLOYMENT))
def test_what_is_the_deployments_is_no_accounts(read, name: str) -> None:
    said = refusal(lambda: read(f'[accounts.acme]\n{name} = "x-secret"\n'))
    assert said == (
        f"FACESTREAMS_ACCOUNTS_FILE: accounts.acme.{name}: one for all accounts: set FACESTREAMS_{name.upper()} instead"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[accounts.acme]\nkey_dirr = 'x'\n", "accounts.acme.key_dirr: no such setting; did you mean key_dir?"),
        ("[accounts.acme]\napp_id = [1]\n", "accounts.acme.app_id: expected text or a number"),
        ("[accounts.acme]\napp_id = true\n", "accounts.acme.app_id: expected text or a number"),
        ("[accounts]\nacme = 7\n", "accounts.acme: expected a table of settings"),
        ("[accounts]\n", "expected tables [accounts.<name>] and nothing else"),
        ("", "expected tables [accounts.<name>] and nothing else"),
        ("region = 'eu'\n[accounts.acme]\n", "expected tables [accounts.<name>] and nothing else"),
        ("[accounts.acme\n", "expected TOML, found what is none"),
    ],
)
def test_a_file_of_another_form_is_refused(read, text: str, problem: str) -> None:
    assert refusal(lambda: read(text)) == f"FACESTREAMS_ACCOUNTS_FILE: {problem}"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert refusal(lambda: Accounts.read(tmp_path / "none")) == (
        "FACESTREAMS_ACCOUNTS_FILE: expected a file, found No such file or directory"
    )


def test_a_wrong_value_is_told_by_its_place_and_not_repeated(read) -> None:
    accounts = read("[accounts.acme]\nthreads = 98765\n")
    assert refusal(lambda: accounts.every(HOME, {})) == (
        "FACESTREAMS_ACCOUNTS_FILE: accounts.acme.threads: expected a whole number of at least 0 and at most 1024"
        " (that recognise; 0: one a core)"
    )
    assert refusal(lambda: read('[accounts."a.b"]\n').every(HOME, {})) == (
        "FACESTREAMS_ACCOUNTS_FILE: accounts.a.b: expected up to 64 of letters, digits, _ and -"
        " (the customer's account)"
    )


def test_what_is_wrong_elsewhere_keeps_its_name(read) -> None:
    wrong = {**HOME, "FACESTREAMS_PARTITIONS": "0"}
    assert refusal(lambda: read(TWO).every(wrong, {})).startswith("FACESTREAMS_PARTITIONS: ")
    assert refusal(lambda: read(TWO).every(HOME, {"FACESTREAMS_THREADS": "-1"})).startswith("FACESTREAMS_THREADS: ")


def test_an_account_that_is_not_in_the_file_is_refused(read) -> None:
    assert refusal(lambda: read(TWO).settings("main", HOME, {})) == (
        "FACESTREAMS_ACCOUNT: expected an account of ACCOUNTS_FILE: acme, zoo"
    )


@pytest.mark.parametrize(
    ("acme", "zoo", "shared"),
    [
        ("key_dir = '/k'", "key_dir = '/k'", "a directory (key_dir)"),
        ("key_dir = '/k'", "key_dir = '/k/../k/zoo'", "a directory (key_dir)"),
        ("snapshot_dir = '/s'", "snapshot_dir = '/s'", "a directory (snapshot_dir)"),
        ("key_dir = '/k'", "snapshot_dir = '/k'", "a directory (key_dir and snapshot_dir)"),
        ("http_port = 9000", "http_port = 9000", "a port (http_port)"),
    ],
)
def test_what_two_accounts_share_is_named(read, acme: str, zoo: str, shared: str) -> None:
    accounts = read(f"[accounts.acme]\n{acme}\n[accounts.zoo]\n{zoo}\n")
    wanted = f"FACESTREAMS_ACCOUNTS_FILE: accounts acme and zoo share {shared}: give each its own"
    assert refusal(lambda: accounts.every(HOME, {})) == wanted
    assert refusal(lambda: accounts.settings("zoo", HOME, {})) == wanted


def test_a_directory_by_another_name_is_the_same(read, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    accounts = read(f"[accounts.a]\nkey_dir = '{tmp_path}/real'\n[accounts.b]\nkey_dir = '{tmp_path}/link'\n")
    assert "share a directory (key_dir)" in refusal(lambda: accounts.every(HOME, {}))


def test_a_directory_of_the_environment_is_shared_by_all(read) -> None:
    environ = {**HOME, "FACESTREAMS_SNAPSHOT_DIR": "/snapshots"}
    assert "share a directory (snapshot_dir)" in refusal(lambda: read(TWO).every(environ, {}))


SASL = {
    "FACESTREAMS_SECURITY_PROTOCOL": "SASL_SSL",
    "FACESTREAMS_SASL_MECHANISM": "SCRAM-SHA-512",
    "FACESTREAMS_SASL_PASSWORD_FILE": "/secret",
}
TLS = {"FACESTREAMS_SECURITY_PROTOCOL": "SSL", "FACESTREAMS_TLS_KEY_FILE": "/key.pem"}


@pytest.mark.parametrize(("name", "environ"), [("sasl_username", SASL), ("tls_cert_file", TLS)])
def test_the_broker_must_be_able_to_tell_accounts_apart(read, name: str, environ: dict[str, str]) -> None:
    same = read(TWO).every({**HOME, **environ, f"FACESTREAMS_{name.upper()}": "one"}, {})
    assert refusal(lambda: check_users_apart(same)) == (
        f"FACESTREAMS_ACCOUNTS_FILE: accounts acme and zoo share {name}: the broker's rights keep accounts apart by"
        " their users, so give each its own"
    )
    text = TWO.replace("app_id", f"{name} = 'a'\napp_id").replace("threads", f"{name} = 'z'\nthreads")
    check_users_apart(read(text).every({**HOME, **environ}, {}))


def test_without_users_nobody_is_told_apart(read) -> None:
    check_users_apart(read(TWO).every(HOME, {}))


def test_a_certificate_by_another_name_is_the_same(read, tmp_path: Path) -> None:
    (tmp_path / "real.pem").touch()
    (tmp_path / "link.pem").symlink_to(tmp_path / "real.pem")
    text = "".join(f"[accounts.{name}]\ntls_cert_file = '{tmp_path}/{name}.pem'\n" for name in ("real", "link"))
    assert "accounts real and link share tls_cert_file" in refusal(
        lambda: check_users_apart(read(text).every({**HOME, **TLS}, {}))
    )
