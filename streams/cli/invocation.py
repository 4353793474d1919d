"""What every command is given: the options before the command's name, and the settings they lead to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, TypeVar

import typer
from typer.models import OptionInfo

from streams.settings import PREFIX, Settings, SettingsError, every_account, from_process, served_accounts

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Invocation:
    """overrides: settings given as options, by the name of their environment variable."""

    overrides: Mapping[str, str]

    def settings(self) -> Settings:
        """Of the account that this invocation is about. Raises SettingsError, or BadParameter for one given as an
        option.
        """
        return self._read(from_process)

    def each(self) -> tuple[Settings, ...]:
        """Of every account of the accounts file, unless an option names one. Raises as `settings`."""
        return self._read(every_account)

    def served(self) -> tuple[Settings, ...]:
        """As `each`, of accounts that this invocation is to serve. Raises as `settings`."""
        return self._read(served_accounts)

    def _read(self, reader: Callable[[Mapping[str, str]], T]) -> T:
        try:
            return reader(self.overrides)
        except SettingsError as error:
            if error.variable in self.overrides:
                raise typer.BadParameter(error.problem, param_hint=option_of(error.variable)) from error
            raise


def option_of(variable: str) -> str:
    """The option that overrides this environment variable."""
    return "--" + variable.removeprefix(PREFIX).lower().replace("_", "-")


def invocation(context: typer.Context) -> Invocation:
    """The invocation that this command is part of."""
    found = context.find_object(Invocation)
    if found is None:  # a command that was called past the entry point
        return Invocation({})
    return found


def _option(name: str, text: str) -> OptionInfo:
    option: OptionInfo = typer.Option(f"--{name}", help=text, show_default=False, rich_help_panel="Settings")
    return option


BootstrapServers = Annotated[str | None, _option("bootstrap-servers", "The brokers, host:port, comma-separated.")]
Prefix = Annotated[str | None, _option("prefix", "First part of every topic's name.")]
Account = Annotated[str | None, _option("account", "The account, second part of every topic's name.")]
Broker = Annotated[str | None, _option("broker", "What the broker can be asked for: kafka or embedded.")]
Partitions = Annotated[str | None, _option("partitions", "Partitions of each topic.")]
Replication = Annotated[str | None, _option("replication", "Copies of each topic.")]
KeyDir = Annotated[str | None, _option("key-dir", "Directory of the account's keys.")]
ModelPack = Annotated[str | None, _option("model-pack", "opencv-zoo, or insightface:<name or directory>.")]
LogLevel = Annotated[str | None, _option("log-level", "Least level of a worker's own log.")]


def overrides(given: Mapping[str, str | None]) -> dict[str, str]:
    """Options as environment variables; those not given are left out."""
    return {PREFIX + name.upper(): value for name, value in given.items() if value is not None}
