import pytest

from streams.cli.output import examples, result, say


def test_results_and_remarks_are_apart(capsys: pytest.CaptureFixture[str]) -> None:
    result("ada: enrolled")
    say("a remark\nof  two lines")

    assert capsys.readouterr() == ("ada: enrolled\n", "a remark of two lines\n")


def test_each_example_is_a_line_of_its_own() -> None:
    assert examples("one", "two") == "Examples:\n\none\n\ntwo"
