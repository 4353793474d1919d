from streams.cli.exit_codes import MEANING, ExitCode


def test_every_code_has_a_meaning() -> None:
    assert set(MEANING) == set(ExitCode)


def test_codes_are_what_scripts_rely_on() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "DONE": 0,
        "REFUSED": 1,
        "USAGE": 2,
        "DEPLOYMENT": 3,
        "UNREACHABLE": 4,
        "TIMEOUT": 5,
        "SOURCE": 6,
        "BUG": 70,
        "GAVE_UP": 75,
        "INTERRUPTED": 130,
    }
