"""How long a deletion may take, by the settings in effect."""

from streams.audit.limits import deletion_bound_ms
from tests.streams.audit.made import facts, inspection


def test_the_bound_of_a_deletion_with_the_declared_settings_and_kafkas_defaults() -> None:
    silent_ms, command_ms = 60_000 + 10_000, 2 * 30_000 + 1_000 + 300_000 + 5_000
    assert deletion_bound_ms(facts()) == silent_ms + command_ms + 5_000


def test_there_is_none_where_a_setting_leaves_it_open() -> None:
    never_deleted = inspection(gallery_commands={"cleanup.policy": "compact"})
    assert deletion_bound_ms(facts(inspection=never_deleted)) is None
