from pathlib import Path

from streams.cli.exit_codes import ExitCode


def test_new_keys_are_listed_and_never_shown(facestreams, tmp_path: Path) -> None:
    directory = tmp_path / "keys"

    code, made, _ = facestreams("--key-dir", directory, "keys", "new")
    assert code == ExitCode.DONE
    code, listed, _ = facestreams("--key-dir", directory, "keys", "list")
    assert code == ExitCode.DONE

    lines = [line.split() for line in made.splitlines()]
    assert [line[0] for line in lines] == ["template", "account"]
    assert [line.split()[:2] for line in listed.splitlines()] == [[line[2], line[0]] for line in lines]
    assert all(line.endswith("active") for line in listed.splitlines())
    secrets = [path.read_text() for path in directory.rglob("*") if path.is_file()]
    assert len(secrets) == 2
    assert all(word not in listed for secret in secrets for word in secret.split('"') if len(word) > 30)


def test_the_accounts_own_directory_is_the_default(facestreams, tmp_path: Path) -> None:
    assert facestreams("--account", "acme", "keys", "new")[0] == ExitCode.DONE

    assert (tmp_path / "data/facestreams/keys/acme").is_dir()


def test_keys_are_never_overwritten(facestreams, tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    facestreams("--key-dir", directory, "keys", "new")
    before = {path: path.read_bytes() for path in directory.iterdir()}

    code, _, err = facestreams("--key-dir", directory, "keys", "new")

    assert code == ExitCode.DEPLOYMENT
    assert err.count("\n") == 1
    assert {path: path.read_bytes() for path in directory.iterdir()} == before


def test_a_missing_directory_is_said(facestreams, tmp_path: Path) -> None:
    code, _, err = facestreams("--key-dir", tmp_path / "none", "keys", "list")

    assert code == ExitCode.DEPLOYMENT
    assert str(tmp_path / "none") in err
