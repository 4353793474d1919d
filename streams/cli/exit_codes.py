"""Exit codes: what became of a command, for scripts and supervisors."""

from enum import IntEnum
from types import MappingProxyType
from typing import Final


class ExitCode(IntEnum):
    """What became of a command."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    DEPLOYMENT = 3
    UNREACHABLE = 4
    TIMEOUT = 5
    SOURCE = 6
    BUG = 70
    GAVE_UP = 75
    INTERRUPTED = 130


MEANING: Final = MappingProxyType(
    {
        ExitCode.DONE: "done, and every answer was yes",
        ExitCode.REFUSED: "an answer was no: a refused picture or command, a difference, a failed demo",
        ExitCode.USAGE: "the command line is wrong; of `audit`: none is broken, and not every promise could be seen",
        ExitCode.DEPLOYMENT: "a setting, key, password, certificate, right, network or topic is wrong or missing",
        ExitCode.UNREACHABLE: "no broker answers",
        ExitCode.TIMEOUT: "no answer came in time; the command may still be carried out",
        ExitCode.SOURCE: "a video, camera or picture cannot be read",
        ExitCode.BUG: "an error of the program itself",
        ExitCode.GAVE_UP: "the worker lost its broker, its group name or its threads, but no frame: start it again",
        ExitCode.INTERRUPTED: "interrupted",
    }
)
