"""What a worker's memory holds (pictures, features, keys) does not leave it by a crash."""

import ctypes
import resource
import sys
from typing import Final

PR_SET_DUMPABLE: Final = 4


def forbid_core_dumps() -> None:
    """Let this process leave no core dump, however it ends.

    A limit of size 0 keeps the kernel from writing a file, but not from handing the dump to a program, as systemd's
    and Ubuntu's do; so on Linux the process is marked as one that is not to be dumped as well. Then other processes
    of the same user can neither attach to it nor read its environment or memory: a profiler such as py-spy needs root.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # it can only fail for a wrong number
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
