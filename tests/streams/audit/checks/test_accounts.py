from streams.audit.access import Access, Grant
from streams.audit.checks.accounts import Accounts
from streams.wire.rights import Operation
from streams.wire.topics import RUNNING_LOG
from tests.streams.audit.made import concluded, entry, facts, shown

OURS = shown(RUNNING_LOG, entry(0))


def test_records_of_this_account_are_held() -> None:
    assert concluded(Accounts(facts()), OURS).verdict == "held"


def test_a_record_of_another_is_broken() -> None:
    finding = concluded(Accounts(facts()), OURS, shown(RUNNING_LOG, entry(1, account="zoo"), offset=1))
    assert finding.breaches == ("a record of another account: 'zoo' at running-log-0@1",)


def test_rights_across_accounts_are_broken() -> None:
    access = Access([Grant("User:a", "*", False, Operation.READ)], [])
    assert concluded(Accounts(facts(access=access)), OURS).verdict == "broken"


def test_rights_that_cannot_be_seen_are_said_so() -> None:
    finding = concluded(Accounts(facts(access=Access(None, [], why_none="no right"))), OURS)
    assert (finding.verdict, finding.unseen) == ("held", ("the broker's rights: no right",))


def test_a_broker_that_asks_nobody_keeps_two_accounts_apart_from_nobody() -> None:
    alone = Access(None, [], enforced=False, why_none="no authorizer")
    assert concluded(Accounts(facts(access=alone)), OURS).verdict == "held"
    beside = Access(None, ["facestreams.zoo.visits"], enforced=False, why_none="no authorizer")
    assert concluded(Accounts(facts(access=beside)), OURS).verdict == "broken"


def test_without_records_nothing_is_seen() -> None:
    assert concluded(Accounts(facts())).verdict == "not_observable"
