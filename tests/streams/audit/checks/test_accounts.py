from streams.audit.access import Access, Grant
from streams.audit.checks.accounts import Accounts
from streams.wire.rights import Operation
from streams.wire.topics import RUNNING_LOG
from tests.streams.audit.made import TOPICS, concluded, entry, facts, shown

OURS = shown(RUNNING_LOG, entry(0))


def test_records_of_this_account_are_held() -> None:
    assert concluded(Accounts(facts()), OURS).verdict == "held"


def test_a_record_of_another_is_broken() -> None:
    finding = concluded(Accounts(facts()), OURS, shown(RUNNING_LOG, entry(1, account="zoo"), offset=1))
    assert finding.breaches == ("a record of another account: 'zoo' at running-log-0@1",)


def test_rights_across_accounts_are_broken() -> None:
    access = Access([Grant("User:a", "*", False, Operation.READ)], [])
    assert concluded(Accounts(facts(access=access)), OURS).verdict == "broken"


def test_without_rights_to_look_at_nothing_is_held() -> None:
    finding = concluded(Accounts(facts(access=Access(None, [], why_none="no right"))), OURS)
    assert (finding.verdict, finding.unseen) == ("not_observable", ("the broker's rights: no right",))


def test_a_broker_that_asks_nobody_shows_nothing_and_keeps_two_accounts_apart_from_nobody() -> None:
    alone = Access(None, [], enforced=False, why_none="no authorizer")
    assert concluded(Accounts(facts(access=alone)), OURS).verdict == "not_observable"
    beside = Access(None, ["facestreams.zoo.visits"], enforced=False, why_none="no authorizer")
    assert concluded(Accounts(facts(access=beside)), OURS).verdict == "broken"


def test_brokers_that_let_everybody_at_topics_without_rights_are_broken() -> None:
    finding = concluded(Accounts(facts(access=Access([], [], everybody_elsewhere=True))), OURS)
    assert finding.breaches == ("a topic without rights is open to everybody: allow.everyone.if.no.acl.found is true",)


def test_where_the_brokers_do_not_tell_that_each_topic_must_have_a_right() -> None:
    assert concluded(Accounts(facts(access=Access([], []))), OURS).verdict == "not_observable"
    covered = Access([Grant("User:a", TOPICS.name(""), True, Operation.READ)], [])
    assert concluded(Accounts(facts(access=covered)), OURS).verdict == "held"


def test_without_records_nothing_is_seen() -> None:
    assert concluded(Accounts(facts())).verdict == "not_observable"
