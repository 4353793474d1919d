"""A disk that is full: the largest size of a running broker's files, set so that its logs cannot grow much further."""

import resource
from typing import Final

from tests.kafka.broker import Node

RESERVE_BYTES: Final = 256 * 1024


def fill(node: Node) -> None:
    """Let no log of this broker grow larger than its largest is, and a little.

    The kernel refuses what goes beyond as it does on a full disk, with another number. That takes neither a file
    system of its own nor root, and ends with the process: a broker that is started again has room.
    """
    largest = max(path.stat().st_size for path in node.data_dir.rglob("*.log"))
    _, hard = resource.prlimit(node.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(node.pid, resource.RLIMIT_FSIZE, (largest + RESERVE_BYTES, hard))
