"""What is wrong with a setting."""

from typing import Final

PREFIX: Final = "FACESTREAMS_"


class SettingsError(Exception):
    """A setting is unknown, malformed or out of its range, or a file that it names cannot be used. Stops the start.

    variable: the environment variable. problem: what was expected; never the value, which may be a
    secret that was pasted into the wrong place.
    """

    def __init__(self, variable: str, problem: str) -> None:
        super().__init__(f"{variable}: {problem}")
        self.variable = variable
        self.problem = problem
