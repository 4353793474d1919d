"""The composition root: settings in, a worker out."""

from streams.app.run import run_worker
from streams.app.worker import Worker

__all__ = ["Worker", "run_worker"]
