import pytest

from models.gallery.keys import KeyDirectory
from streams.audit.checks.covering import Covering, Named
from streams.wire.records import Erasure
from tests.streams.audit.made import NOW_MS


def erasure(scope: str, gallery: str | None = None, person: str | None = None, key_id: str | None = None) -> Erasure:
    return Erasure(
        event_id=f"{scope}-{gallery}",
        request_id="r-1",
        account="main",
        scope=scope,
        gallery=gallery,
        person=person,
        key_id=key_id,
        state="completed",
        requested_at_ms=NOW_MS,
        updated_at_ms=NOW_MS,
    )


def of_person(keys: KeyDirectory, gallery: str | None, person_id: str) -> Erasure:
    return erasure("person", gallery, keys.pseudonym(gallery, person_id), keys.account_key_id)


ACCOUNT, GALLERY, ELSEWHERE = erasure("account"), erasure("gallery", "default"), erasure("gallery", "vip")


def test_a_person_is_covered_by_its_own_its_gallerys_and_the_accounts_deletion(keys) -> None:
    ours, everywhere = of_person(keys, "default", "ada"), of_person(keys, None, "ada")
    others = [of_person(keys, "default", "bob"), of_person(keys, "vip", "ada"), of_person(keys, None, "bob")]
    covering = Covering([ACCOUNT, GALLERY, ELSEWHERE, everywhere, ours, *others], keys)
    assert list(covering.covering("default", "ada")) == [ACCOUNT, GALLERY, ours, everywhere]
    assert list(covering.covering("vip", "bob")) == [ACCOUNT, ELSEWHERE, others[2]]
    assert {each.gallery for each in covering.of_person("ada")} == {None, "default", "vip"}


def test_who_is_not_known_is_covered_by_whole_galleries_and_perhaps_by_any_persons(keys) -> None:
    ours, elsewhere = of_person(keys, "default", "ada"), of_person(keys, "vip", "ada")
    covering = Covering([GALLERY, ours, elsewhere], keys)
    assert list(covering.covering("default", None)) == [GALLERY]
    assert list(covering.perhaps("default", None)) == [ours]
    assert list(covering.perhaps("default", "ada")) == []
    assert list(Covering([GALLERY, ours], None).covering("default", "ada")) == [GALLERY]


@pytest.mark.parametrize("key_id", ["ak-revoked", None])
def test_whom_a_pseudonym_under_a_key_that_is_not_there_covers_cannot_be_said(keys, key_id: str | None) -> None:
    unread = [erasure("person", gallery, "0" * 32, key_id) for gallery in ("default", None, "vip")]
    assert list(Covering(unread, keys).perhaps("default", "ada")) == unread[:2]


def test_who_may_be_named_is_who_is_enrolled_was_never_deleted_or_is_being_deleted(keys) -> None:
    deleted = [of_person(keys, "default", each) for each in ("ada", "bob", "carol")]
    unread = erasure("person", "vip", "0" * 32, "ak-revoked")
    named = Named(
        {("default", "ada")}, (), Covering([*deleted, unread], keys), Covering([of_person(keys, None, "bob")], keys)
    )
    said = {each: named.judge("default", each) for each in ("ada", "bob", "carol", "dan")}
    assert said == {"ada": "free", "bob": "free", "carol": "deleted", "dan": "free"}
    assert named.judge("vip", "dan") == "perhaps"


def test_who_was_deleted_is_perhaps_being_deleted_once_more_under_a_key_that_is_not_there(keys) -> None:
    deleted = Covering([of_person(keys, "default", "carol")], keys)
    for gallery, said in (("default", "perhaps"), (None, "perhaps"), ("vip", "deleted")):
        under_way = Covering([erasure("person", gallery, "0" * 32, "ak-revoked")], keys)
        assert Named((), (), deleted, under_way).judge("default", "carol") == said
    assert Named((), {"default"}, deleted, Covering([], keys)).judge("default", "carol") == "perhaps"
