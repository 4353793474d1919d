"""How to reach the broker: one group of settings for the engine, producers, consumers and the admin client."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Connection:
    """bootstrap_servers: `host:port`, comma-separated."""

    bootstrap_servers: str

    def client_options(self) -> dict[str, Any]:
        """Keyword arguments that every aiokafka client takes."""
        return {"bootstrap_servers": self.bootstrap_servers}
