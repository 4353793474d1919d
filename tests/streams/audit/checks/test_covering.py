from streams.audit.checks.covering import Completed, may_cover
from streams.wire.records import Erasure
from tests.streams.audit.made import NOW_MS


def erasure(scope: str, gallery: str | None = None, person: str | None = None) -> Erasure:
    return Erasure(
        event_id=f"{scope}-{gallery}",
        request_id="r-1",
        account="main",
        scope=scope,
        gallery=gallery,
        person=person,
        state="completed",
        requested_at_ms=NOW_MS,
        updated_at_ms=NOW_MS,
    )


ACCOUNT, GALLERY, ELSEWHERE = erasure("account"), erasure("gallery", "default"), erasure("gallery", "vip")


def test_a_person_is_covered_by_its_own_its_gallerys_and_the_accounts_deletion(keys) -> None:
    ours = erasure("person", "default", keys.pseudonym("default", "ada"))
    others = [
        erasure("person", "default", keys.pseudonym("default", "bob")),
        erasure("person", "vip", keys.pseudonym("vip", "ada")),
    ]
    completed = Completed([ACCOUNT, GALLERY, ELSEWHERE, ours, *others], keys)
    assert list(completed.covering("default", "ada")) == [ACCOUNT, GALLERY, ours]


def test_who_is_not_known_is_covered_by_whole_galleries_alone(keys) -> None:
    ours = erasure("person", "default", keys.pseudonym("default", "ada"))
    assert list(Completed([GALLERY, ours], keys).covering("default", None)) == [GALLERY]
    assert list(Completed([GALLERY, ours], None).covering("default", "ada")) == [GALLERY]


def test_what_may_be_covered_is_told_by_the_gallery() -> None:
    assert [may_cover(each, "default") for each in (ACCOUNT, GALLERY, ELSEWHERE)] == [True, True, False]
