"""Which exit code an error ends in. What is not listed here is a bug."""

from streams.cli.exit_codes import ExitCode
from streams.cli.packages import ShadowedPackageError
from streams.edge.errors import (
    AnswerTimeoutError,
    BrokerRefusedError,
    BrokerUnreachableError,
    PictureTooLargeError,
    SourceError,
    TopicMissingError,
)
from streams.settings import SettingsError


def exit_code_of(error: Exception) -> ExitCode | None:
    """The code for an error that was raised on purpose; None for a bug."""
    match error:
        case BrokerUnreachableError():
            return ExitCode.UNREACHABLE
        case AnswerTimeoutError():
            return ExitCode.TIMEOUT
        case SourceError():
            return ExitCode.SOURCE
        case PictureTooLargeError():
            return ExitCode.REFUSED
        case SettingsError() | ShadowedPackageError() | TopicMissingError() | BrokerRefusedError():
            return ExitCode.DEPLOYMENT
        case _:
            return _of_the_worker(error)


def _of_the_worker(error: Exception) -> ExitCode | None:
    # imported here alone: the engine takes longer to import than `facestreams --help` may take
    from models.errors import ModelsError  # noqa: PLC0415
    from streams.agents.pool import StuckError  # noqa: PLC0415
    from streams.edge.broker import UNREACHABLE  # noqa: PLC0415
    from streams.engine.embedded import EmbeddedBrokerError  # noqa: PLC0415
    from streams.engine.errors import EngineError, StartError  # noqa: PLC0415
    from streams.engine.outlet import PublishTimeoutError  # noqa: PLC0415
    from streams.engine.topics.admin import AdminError, DeniedError  # noqa: PLC0415

    if isinstance(error, PublishTimeoutError | EngineError | StuckError):
        return ExitCode.GAVE_UP
    if isinstance(error, DeniedError):
        return ExitCode.DEPLOYMENT
    if isinstance(error.__cause__ if isinstance(error, AdminError) else error, UNREACHABLE):
        return ExitCode.UNREACHABLE
    if isinstance(error, AdminError | EmbeddedBrokerError | ModelsError | StartError):
        return ExitCode.DEPLOYMENT
    return None
