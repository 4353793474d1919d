"""The one place that runs networks: onnxruntime on the processor, one thread for each call."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnxruntime

from models.errors import PackError
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


class Session:
    """A loaded network. `run` may be called from several threads at once."""

    def __init__(self, file: Path) -> None:
        """Load the network; raises PackError if onnxruntime cannot."""
        try:
            self.runtime = onnxruntime.InferenceSession(str(file), session_options(), providers=list(PROVIDERS))
        except Exception as error:  # onnxruntime's exceptions share no base class
            raise PackError(f"{file}: onnxruntime cannot load this network: {error}") from error
        self.input_names: tuple[str, ...] = tuple(value.name for value in self.runtime.get_inputs())
        self.output_names: tuple[str, ...] = tuple(value.name for value in self.runtime.get_outputs())

    def run(self, inputs: Mapping[str, Float32]) -> dict[str, Float32]:
        """Arrays by output name for arrays by input name."""
        return dict(zip(self.output_names, self.runtime.run(None, dict(inputs)), strict=True))
