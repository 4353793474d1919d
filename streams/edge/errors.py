"""What can go wrong in a program outside the worker, each with what a user needs to mend it."""


class EdgeError(Exception):
    """Root of all errors that this room raises on purpose."""


class BrokerUnreachableError(EdgeError):
    """No broker answered at these addresses, or it stopped answering. reason: what it left out, if known."""

    def __init__(self, bootstrap_servers: str, reason: str | None = None) -> None:
        super().__init__(f"no Kafka broker answers at {bootstrap_servers}" + (f": {reason}" if reason else ""))
        self.bootstrap_servers = bootstrap_servers


class BrokerRefusedError(EdgeError):
    """The broker answered, with an error that trying again does not mend: a right, a setting, a topic gone."""

    def __init__(self, bootstrap_servers: str, answer: Exception) -> None:
        super().__init__(f"the Kafka broker at {bootstrap_servers} refused: {answer}")
        self.bootstrap_servers = bootstrap_servers


class TopicMissingError(EdgeError):
    """The broker does not have a topic of this account; a client must not create it, its settings carry promises."""

    def __init__(self, name: str) -> None:
        super().__init__(f"topic {name} does not exist: run `facestreams topics create`")
        self.name = name


class AnswerTimeoutError(EdgeError):
    """No answer came on gallery-events. The command may still be carried out: it is in the topic."""

    def __init__(self, request_id: str, timeout_s: float) -> None:
        super().__init__(f"no answer to request {request_id} within {timeout_s:g} s; is a worker running?")
        self.request_id = request_id
        self.timeout_s = timeout_s


class PictureTooLargeError(EdgeError):
    """A picture has more bytes than the deployment takes; nothing was sent."""

    def __init__(self, found_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"picture of {found_bytes} bytes, the limit is {limit_bytes} (FACESTREAMS_MAX_PICTURE_BYTES)")
        self.found_bytes = found_bytes
        self.limit_bytes = limit_bytes


class SourceError(EdgeError):
    """A video, camera, directory or picture cannot be opened or read, or holds no picture."""
