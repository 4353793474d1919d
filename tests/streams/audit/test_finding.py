from streams.audit.finding import Findings, Promise


def test_nothing_seen_is_never_held() -> None:
    assert Findings(Promise.REGION).finding().verdict == "not_observable"


def test_what_was_seen_is_held_though_a_part_of_it_cannot_be_seen() -> None:
    findings = Findings(Promise.REGION)
    findings.saw("3 records")
    findings.could_not_see("the files")
    assert findings.finding().verdict == "held"


def test_without_its_core_nothing_is_held() -> None:
    findings = Findings(Promise.REGION)
    findings.saw("3 records")
    findings.could_not_see("the log", core=True)
    assert findings.finding().verdict == "not_observable"


def test_a_breach_stands_whatever_could_not_be_seen() -> None:
    findings = Findings(Promise.REGION)
    findings.could_not_see("the log", core=True)
    findings.broke("a record of another region", "control-0@1")
    assert findings.finding().verdict == "broken"


def test_of_one_kind_three_are_named_and_the_rest_counted() -> None:
    findings = Findings(Promise.REGION)
    for offset in range(10):
        findings.broke("a record of another region", f"control-0@{offset}")
    assert findings.finding().breaches == (
        "a record of another region: control-0@0",
        "a record of another region: control-0@1",
        "a record of another region: control-0@2",
        "a record of another region: 7 more",
    )
