from pathlib import Path

import pytest

from streams.app.group import group_settings
from streams.settings import Settings


@pytest.mark.parametrize(("given", "instance_id"), [({}, None), ({"FACESTREAMS_INSTANCE_ID": "worker-0"}, "worker-0")])
def test_the_workers_of_an_account_are_one_group_and_have_a_name_of_their_own_only_if_given(given, instance_id) -> None:
    settings = Settings.from_environment({"FACESTREAMS_ACCOUNT": "acme", "FACESTREAMS_PREFIX": "video", **given})

    group = group_settings(settings, Path("scratch"))

    assert (group.group_id, group.instance_id) == ("video.acme.workers", instance_id)
    assert (group.session_timeout_s, group.rebalance_timeout_s, group.heartbeat_s) == (10, 6, 1)
    assert group.max_record_bytes == settings.topics().max_record_bytes
