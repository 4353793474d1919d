import pytest
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError, TopicAuthorizationFailedError

from models.errors import KeyDirectoryError, PackError
from streams.access.refusal import RefusedError
from streams.agents.pool import StuckError
from streams.cli.exit_codes import ExitCode
from streams.cli.failures import exit_code_of
from streams.cli.packages import ShadowedPackageError
from streams.edge.errors import (
    AnswerTimeoutError,
    BrokerRefusedError,
    BrokerUnreachableError,
    PictureTooLargeError,
    SourceError,
    TopicMissingError,
)
from streams.engine.embedded import EmbeddedBrokerError
from streams.engine.errors import EngineError, FencedInstanceError, StartError
from streams.engine.outlet import PublishTimeoutError
from streams.engine.topics.admin import AdminError, DeniedError
from streams.engine.topics.reached import RewoundError
from streams.settings import SettingsError
from streams.wire.connection import Connection


def unreachable() -> AdminError:
    error = AdminError("no broker answers")
    error.__cause__ = KafkaConnectionError()
    return error


def denied() -> DeniedError:
    """The Kafka client found no broker, since that did not let it in."""
    error = DeniedError(Connection("kafka:9093"), RefusedError("its certificate has expired"))
    error.__cause__ = KafkaConnectionError()
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PictureTooLargeError(2, 1), ExitCode.REFUSED),
        (SettingsError("FACESTREAMS_X", "no such setting"), ExitCode.DEPLOYMENT),
        (ShadowedPackageError(), ExitCode.DEPLOYMENT),
        (TopicMissingError("a.b.c"), ExitCode.DEPLOYMENT),
        (KeyDirectoryError(), ExitCode.DEPLOYMENT),
        (PackError(), ExitCode.DEPLOYMENT),
        (EmbeddedBrokerError(), ExitCode.DEPLOYMENT),
        (AdminError(), ExitCode.DEPLOYMENT),
        (unreachable(), ExitCode.UNREACHABLE),
        (denied(), ExitCode.DEPLOYMENT),
        (BrokerUnreachableError("kafka:9092"), ExitCode.UNREACHABLE),
        (BrokerRefusedError("kafka:9092", TopicAuthorizationFailedError("a.b.c")), ExitCode.DEPLOYMENT),
        (KafkaConnectionError(), ExitCode.UNREACHABLE),
        (KafkaTimeoutError(), ExitCode.UNREACHABLE),
        (StartError("FACESTREAMS_HTTP_PORT: in use"), ExitCode.DEPLOYMENT),
        (OSError("full"), None),
        (PublishTimeoutError(), ExitCode.GAVE_UP),
        (EngineError(), ExitCode.GAVE_UP),
        (FencedInstanceError("worker-0"), ExitCode.GAVE_UP),
        (StuckError("start the worker anew"), ExitCode.GAVE_UP),
        (RewoundError("camera-frames", "it ends early"), ExitCode.DEPLOYMENT),
        (AnswerTimeoutError("r1", 1), ExitCode.TIMEOUT),
        (SourceError(), ExitCode.SOURCE),
        (RuntimeError(), None),
    ],
)
def test_each_failure_has_its_code(error: Exception, code: ExitCode | None) -> None:
    assert exit_code_of(error) is code
