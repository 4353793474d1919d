"""The settings of a deployment: read once, checked whole, handed down as plain values.

This package alone reads the environment, and only the composition root and the command line import it.
"""

from streams.settings.errors import PREFIX, SettingsError
from streams.settings.model import Settings
from streams.settings.process import every_account, from_process, served_accounts

__all__ = ["PREFIX", "Settings", "SettingsError", "every_account", "from_process", "served_accounts"]
