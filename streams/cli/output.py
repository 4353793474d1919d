"""Results go to stdout, everything else to stderr, one line each."""

import logging
import sys


def result(line: str) -> None:
    """A result, for people and pipes."""
    print(line, flush=True)


def say(line: str) -> None:
    """A remark or an error, in one line whatever it holds."""
    print(" ".join(line.split()), file=sys.stderr, flush=True)


def quiet_clients() -> None:
    """Keep the Kafka client's own log off the terminal: what matters of it is said by our errors."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def examples(*lines: str) -> str:
    """The end of a command's help."""
    return "\n\n".join(("Examples:", *lines))
