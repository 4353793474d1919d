"""The command `facestreams`: one file a group of commands."""

from streams.cli.entry import main

__all__ = ["main"]
