"""Why a worker does not start, and why the engine ended."""


class StartError(Exception):
    """A worker cannot start where it is told to; the message is one line for the operator."""


class EngineError(Exception):
    """The engine ended by itself."""


class FencedInstanceError(EngineError):
    """The group does not know this member under its own name any more: another process may go by that name."""

    def __init__(self, instance_id: str) -> None:
        super().__init__(
            f"the group has taken the instance id {instance_id} from this worker: another process uses it too, or this"
            " one was silent for longer than its session; give each worker an id of its own, and start it again"
        )
        self.instance_id = instance_id
