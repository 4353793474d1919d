"""The one place that runs networks: onnxruntime on the processor, one thread for each call."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Read at its import: else onnxruntime writes a device id and a record of its use under the home directory.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

from models import abort
from models.errors import AbortedError, PackError
from models.types import Float32

PROVIDERS = ("CPUExecutionProvider",)
_ERRORS_ONLY = 3


def session_options() -> Any:
    """Options of onnxruntime as every network here runs: one thread for each call.

    Frames of several cameras run side by side, so a network that spread over threads of its own would only fight
    them. The memory arena stays on: it keeps what the largest input needed, and callers keep to few shapes.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _ERRORS_ONLY
    return options


class Endable:
    """onnxruntime's session for whoever calls it, a run of which ends with the abort that it runs under."""

    def __init__(self, runtime: Any) -> None:
        """runtime: an onnxruntime.InferenceSession."""
        self._runtime = runtime

    def __getattr__(self, name: str) -> Any:
        """All but `run` is the session's own."""
        return getattr(self._runtime, name)

    def run(self, output_names: Sequence[str] | None, inputs: Mapping[str, Any]) -> list[Any]:
        """See onnxruntime.InferenceSession.run. Raises AbortedError where the abort was set."""
        running = abort.current()
        if running is None:
            return list(self._runtime.run(output_names, dict(inputs)))
        abort.check()
        options = onnxruntime.RunOptions()
        try:
            with running.ends(lambda: setattr(options, "terminate", True)):
                return list(self._runtime.run(output_names, dict(inputs), options))
        except Exception as error:
            if running.is_set:  # onnxruntime has one exception for whatever goes wrong, the order to end included
                raise AbortedError from error
            raise


class Session:
    """A loaded network. `run` may be called from several threads at once."""

    def __init__(self, file: Path) -> None:
        """Load the network; raises PackError if onnxruntime cannot."""
        try:
            runtime = onnxruntime.InferenceSession(str(file), session_options(), providers=list(PROVIDERS))
        except Exception as error:  # onnxruntime's exceptions share no base class
            raise PackError(f"{file}: onnxruntime cannot load this network: {error}") from error
        self.runtime = Endable(runtime)
        self.input_names: tuple[str, ...] = tuple(value.name for value in self.runtime.get_inputs())
        self.output_names: tuple[str, ...] = tuple(value.name for value in self.runtime.get_outputs())

    def run(self, inputs: Mapping[str, Float32]) -> dict[str, Float32]:
        """Arrays by output name for arrays by input name. Raises AbortedError, see `models.abort`."""
        return dict(zip(self.output_names, self.runtime.run(None, inputs), strict=True))
