"""What holds for all tests: none is skipped in CI, none may fail for being slow, and one Kafka serves a process."""

import logging
import os
from collections.abc import Generator, Iterator

import pytest
import structlog
from hypothesis import settings

from tests.kafka.broker import Kafka
from tests.kafka.jars import KafkaMissingError
from tests.sharing import longest_first

# a shared machine may stall at any time; CI tries the same examples each time
settings.register_profile("house", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("house")


class NothingSkipped:
    """Fails a session in which a test, or a whole file, was skipped, and says which and why."""

    def __init__(self) -> None:
        self._skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test; an expected failure is reported as skipped too, and is none."""
        if report.skipped and not hasattr(report, "wasxfail"):
            self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that skipped itself while it was imported."""
        if report.skipped:
            self._note(report)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Outermost, so that the terminal's summary shows the exit code that counts."""
        if self._skipped and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return (yield)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was skipped."""
        for line in self._skipped:
            terminalreporter.write_line(f"skipped, which is an error in CI: {line}", red=True)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        self._skipped.append(f"{report.nodeid}: {reason}")


def pytest_configure(config: pytest.Config) -> None:
    """CI=true, as CI services set it."""
    if os.environ.get("CI") == "true":
        config.pluginmanager.register(NothingSkipped(), "nothing-skipped")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After they were shuffled."""
    longest_first(items)


@pytest.fixture
def log_as_before() -> Iterator[None]:
    """A command sets the log up for its whole process; here it outlives no test."""
    root, clients = logging.getLogger(), logging.getLogger("aiokafka")
    handlers, levels = root.handlers[:], (root.level, clients.level)
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    clients.setLevel(levels[1])


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """One broker for all tests that can share one; they keep to topics of their own."""
    try:
        shared = Kafka(tmp_path_factory.mktemp("kafka"))
        shared.start()
    except KafkaMissingError as error:
        pytest.skip(str(error))
    yield shared
    shared.stop()
