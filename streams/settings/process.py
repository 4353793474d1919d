"""The settings of this process: its environment, the accounts file that it names, and options before both."""

import os
from collections.abc import Mapping

from streams.settings.accounts import Accounts, check_users_apart
from streams.settings.errors import PREFIX
from streams.settings.model import Settings

ACCOUNT = PREFIX + "ACCOUNT"
ACCOUNTS_FILE = PREFIX + "ACCOUNTS_FILE"


def from_process(options: Mapping[str, str]) -> Settings:
    """The settings of one account: the one that the options name, else the environment.

    options: names as in the environment, which they go before. With an accounts file none is meant that nobody
    names. Raises SettingsError.
    """
    accounts = accounts_of_process(options)
    if accounts is None:
        return Settings.from_environment({**os.environ, **options})
    named = {**os.environ, **options}.get(ACCOUNT, "")
    return accounts.settings(named, os.environ, _without_account(options))


def every_account(options: Mapping[str, str]) -> tuple[Settings, ...]:
    """The settings of all accounts; of one where the options name it, or where there is no accounts file.

    Raises SettingsError.
    """
    accounts = None if ACCOUNT in options else accounts_of_process(options)
    if accounts is None:
        return (from_process(options),)
    return accounts.every(os.environ, options)


def served_accounts(options: Mapping[str, str]) -> tuple[Settings, ...]:
    """As `every_account`, for a process that serves them: the broker must be able to tell all apart as well.

    Where an option names one of the file, the others of the file are looked at all the same: they are served by others.
    """
    accounts = accounts_of_process(options)
    if accounts is None:
        return every_account(options)
    named = options.get(ACCOUNT)
    found = accounts.by_name(os.environ, _without_account(options), of=named)
    check_users_apart(tuple(found.values()))
    return tuple(found.values()) if named is None else (found[named],)


def accounts_of_process(options: Mapping[str, str]) -> Accounts | None:
    """What the accounts file holds; None without one. Raises SettingsError."""
    given = Settings.from_environment(
        {name: text for name, text in {**os.environ, **options}.items() if name == ACCOUNTS_FILE}
    ).accounts_file
    return None if given is None else Accounts.read(given)


def _without_account(options: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in options.items() if name != ACCOUNT}
