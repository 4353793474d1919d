import signal
import socket

import pytest

from streams.cli.exit_codes import ExitCode
from streams.wire.topics import Topics

pytestmark = pytest.mark.broker


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_broker_serves_until_told_to_stop(facestreams, started, number: signal.Signals) -> None:
    process = started("--partitions", "1", "embedded", "--port", "0")
    first = process.stderr.readline()
    address = first.split()[3].rstrip(",")
    options = ("--bootstrap-servers", address, "--partitions", "1", "--broker", "embedded")

    assert first == f"embedded broker at {address}, {len(list(Topics()))} topics created; Ctrl-C ends it\n"
    assert process.stderr.readline().startswith("it cannot keep a promise: ")
    assert facestreams(*options, "topics", "verify")[0] == ExitCode.DONE

    process.send_signal(number)

    assert process.wait(20) == ExitCode.DONE
    assert facestreams(*options, "topics", "verify")[0] == ExitCode.UNREACHABLE


def test_a_port_that_is_taken_is_said(facestreams) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = facestreams("embedded", "--port", port)

    assert (code, out) == (ExitCode.DEPLOYMENT, "")
    assert err.count("\n") == 1
    assert err.startswith(f"facestreams: port {port} ")
    assert "in use" in err
