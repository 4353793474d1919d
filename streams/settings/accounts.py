"""Several accounts in one deployment: a TOML file with a table for each, whose settings go over the environment's.

    [accounts.acme]
    app_id = "1001"
    key_dir = "/srv/facestreams/acme/keys"
    sasl_username = "acme-worker"

What an account has of its own may differ; what is the deployment's may not, and is refused here.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from streams.settings.errors import PREFIX, SettingsError
from streams.settings.model import Settings
from streams.settings.values import unknown

ONE_A_DEPLOYMENT: Final = frozenset(
    {
        "accounts_file",
        "account",
        "bootstrap_servers",
        "broker",
        "http_host",
        "prefix",
        "region",
        "security_protocol",
    }
)
"""Where the deployment is and how it is reached; the account is the table's own name."""

DIRECTORIES: Final = ("key_dir", "snapshot_dir")
"""Of one account alone: neither another's nor inside of another's."""

_FILE: Final = PREFIX + "ACCOUNTS_FILE"
_ACCOUNT: Final = PREFIX + "ACCOUNT"
_HTTP_PORT: Final = PREFIX + "HTTP_PORT"
_PORTS: Final = 65_536


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts of a file, in its order. tables: of each, settings as environment variables."""

    tables: Mapping[str, Mapping[str, str]]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Those of this file. Raises SettingsError, which repeats no value."""
        try:
            content = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise _refused(f"expected a file, found {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            raise _refused("expected TOML, found what is none") from None
        tables = content.pop("accounts", None)
        if content or not isinstance(tables, dict) or not tables:
            raise _refused("expected tables [accounts.<name>] and nothing else")
        return cls({name: dict(_variables(name, table)) for name, table in tables.items()})

    def settings(self, account: str, environ: Mapping[str, str], options: Mapping[str, str]) -> Settings:
        """Of this account: options go before its table, the table before the environment.

        Raises SettingsError, also where another account is wrong or shares with it what is an account's own.
        """
        return self.by_name(environ, options, of=account)[account]

    def every(self, environ: Mapping[str, str], options: Mapping[str, str]) -> tuple[Settings, ...]:
        """Of all accounts. Raises SettingsError, also where two share what is an account's own."""
        return tuple(self.by_name(environ, options, of=None).values())

    def by_name(self, environ: Mapping[str, str], options: Mapping[str, str], *, of: str | None) -> dict[str, Settings]:
        """Of all accounts. of: whose the options are; None: everybody's. Raises as `settings`."""
        if of is not None and of not in self.tables:
            raise SettingsError(_ACCOUNT, f"expected an account of ACCOUNTS_FILE: {', '.join(self.tables)}")
        found = {name: self._one(name, environ, options if of in (None, name) else {}) for name in self.tables}
        check_apart(tuple(found.values()))
        return found

    def _one(self, account: str, environ: Mapping[str, str], options: Mapping[str, str]) -> Settings:
        table = self.tables[account]
        port = self._port(account, environ)
        try:
            return Settings.from_environment({**environ, **port, **table, **options, _ACCOUNT: account})
        except SettingsError as error:
            if error.variable in options or error.variable not in (*table, *port, _ACCOUNT):
                raise
            setting = error.variable.removeprefix(PREFIX).lower()
            where = f"accounts.{account}" if error.variable == _ACCOUNT else f"accounts.{account}.{setting}"
            raise _refused(f"{where}: {error.problem}") from None

    def _port(self, account: str, environ: Mapping[str, str]) -> dict[str, str]:
        """The environment's and one more for each account before this one, so that all can run on one machine."""
        given = environ.get(_HTTP_PORT) or str(_default_port())
        first = int(given) if given.isdecimal() and len(given) <= 5 else 0
        if not 0 < first < _PORTS:  # any free one, or for the settings to refuse
            return {}
        return {_HTTP_PORT: str(first + list(self.tables).index(account))}


def check_apart(accounts: tuple[Settings, ...]) -> None:
    """Raise SettingsError where two accounts share a key directory, a snapshot directory or an HTTP port."""
    for one, other in combinations(accounts, 2):
        between = f"{one.account} and {other.account}"
        for (name, first), (other_name, second) in _pairs(one, other):
            if first.is_relative_to(second) or second.is_relative_to(first):
                shared = name if name == other_name else f"{name} and {other_name}"
                raise _refused(f"accounts {between} share a directory ({shared}): give each its own")
        if one.http_port == other.http_port != 0:
            raise _refused(f"accounts {between} share a port (http_port): give each its own")


def check_users_apart(accounts: tuple[Settings, ...]) -> None:
    """Raise SettingsError where the broker could not tell the workers of two accounts apart, though it asks.

    Without users (PLAINTEXT) nobody is told apart: that is for loopback and trials.
    """
    for one, other in combinations(accounts, 2):
        for name in ("sasl_username", "tls_cert_file"):
            first, second = (_resolved(getattr(each, name)) for each in (one, other))
            if first is not None and first == second:
                raise _refused(
                    f"accounts {one.account} and {other.account} share {name}: the broker's rights keep accounts"
                    " apart by their users, so give each its own"
                )


def _resolved(value: str | Path | None) -> str | Path | None:
    return value.resolve() if isinstance(value, Path) else value


def _pairs(one: Settings, other: Settings) -> Iterator[tuple[tuple[str, Path], tuple[str, Path]]]:
    for first in _directories(one):
        for second in _directories(other):
            yield first, second


def _directories(settings: Settings) -> Iterator[tuple[str, Path]]:
    for name in DIRECTORIES:
        path: Path | None = getattr(settings, name)
        if path is not None:
            yield name, path.resolve()


def _variables(account: str, table: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(table, dict):
        raise _refused(f"accounts.{account}: expected a table of settings")
    fields = {field.name: field for field in msgspec.structs.fields(Settings)}
    for name, value in table.items():
        if name in ONE_A_DEPLOYMENT:
            raise _refused(f"accounts.{account}.{name}: one for all accounts: set {PREFIX}{name.upper()} instead")
        if name not in fields:
            raise _refused(f"accounts.{account}.{name}: {unknown(name, fields)}")
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise _refused(f"accounts.{account}.{name}: expected text or a number")
        yield PREFIX + name.upper(), str(value)


def _default_port() -> int:
    return int(next(field.default for field in msgspec.structs.fields(Settings) if field.name == "http_port"))


def _refused(problem: str) -> SettingsError:
    return SettingsError(_FILE, problem)
