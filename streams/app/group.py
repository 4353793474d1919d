"""A worker's place in the consumer group, made from settings."""

from pathlib import Path

from streams.engine.group.transport import GroupSettings
from streams.settings import Settings
from streams.wire.rights import workers_group


def group_settings(settings: Settings, data_dir: Path) -> GroupSettings:
    """One group for the workers of an account. data_dir: where the engine keeps what it need not find again."""
    topics = settings.topics()
    return GroupSettings(
        group_id=workers_group(topics),
        instance_id=settings.instance_id,
        session_timeout_s=settings.session_timeout_s,
        rebalance_timeout_s=settings.rebalance_timeout_s,
        heartbeat_s=settings.heartbeat_s,
        commit_interval_s=settings.commit_interval_s,
        max_record_bytes=topics.max_record_bytes,
        data_dir=data_dir,
    )
