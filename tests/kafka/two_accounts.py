"""Two accounts served by one `facestreams worker`, each with a worker's rights in its own topics and no other."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from models.gallery.keys import KeyDirectory
from streams.demo.worker_process import WorkerProcess, free_port
from streams.edge.through import read_through
from streams.logs.billing import Billing
from streams.wire.connection import Connection
from streams.wire.records import Bill
from streams.wire.rights import Role
from streams.wire.topics import RUNNING_LOG, Topics
from tests.kafka.secured import ACCOUNTS, ADMIN, MUTUAL, SCRAM, SecuredKafka, topics_of, user

PATIENCE_S: Final = 60.0
QUICK: Final = {
    "PARTITIONS": "2",
    "THREADS": "1",
    "REGION": "eu",
    "GALLERIES": "*=default,acme",
    "SESSION_TIMEOUT_S": "3",
    "REBALANCE_TIMEOUT_S": "3",
    "HEARTBEAT_S": "0.5",
    "COMMIT_INTERVAL_S": "0.3",
}


class TwoAccounts:
    """What runs, and who may come in. ports: of each account's own worker."""

    def __init__(self, secured: SecuredKafka, directory: Path) -> None:
        self.secured = secured
        self.key_dirs = {account: directory / account / "keys" for account in ACCOUNTS}
        self.ports = {account: free_port() for account in ACCOUNTS}
        for path in self.key_dirs.values():
            KeyDirectory.create(path)
        file = directory / "accounts.toml"
        file.write_text("\n".join(self._table(account, directory) for account in ACCOUNTS), "utf-8")
        given = {"ACCOUNTS_FILE": str(file), "HTTP_PORT": str(self.ports[ACCOUNTS[0]]), **QUICK}
        common = secured.environment(user(ACCOUNTS[0], Role.WORKER), SCRAM)
        self.worker = WorkerProcess({**common, **{f"FACESTREAMS_{name}": value for name, value in given.items()}})

    def connection(self, account: str, role: Role) -> Connection:
        """As this account's user of this role."""
        return self.secured.connection(user(account, role), SCRAM)

    async def ready(self) -> None:
        """Wait until both recognise."""
        async with asyncio.timeout(PATIENCE_S):
            for account in ACCOUNTS:
                while await self._code(account) != "200":
                    self.worker.check()
                    await asyncio.sleep(0.1)

    async def bill(self, account: str, *, by: str | None = None) -> Bill:
        """All that was ever asked in this account, as its biller adds it up, or the one of another account."""
        billing = Billing(0, 2**50)
        await read_through(
            self.connection(by or account, Role.BILLER),
            topics_of(account),
            RUNNING_LOG,
            lambda record: billing.take(record.partition, record.value),
            role=Role.BILLER,
            exact_ends=True,
        )
        return billing.bill(account=account, app_id="0", region="eu")

    async def records(self, topics: Topics, short: str, enough: Callable[[list[Any]], bool]) -> list[Any]:
        """What stands on a topic, read as the broker's administrator, once it is enough."""
        consumer = AIOKafkaConsumer(
            group_id=None, auto_offset_reset="earliest", **self.secured.connection(ADMIN, MUTUAL).client_options()
        )
        await consumer.start()
        try:
            consumer.assign([TopicPartition(topics.name(short), each) for each in range(topics.spec(short).partitions)])
            found: list[Any] = []
            async with asyncio.timeout(PATIENCE_S):
                while not enough(found):
                    batches = await consumer.getmany(timeout_ms=100)
                    found += [record for batch in batches.values() for record in batch]
            return found
        finally:
            await consumer.stop()

    async def answers(self, topics: Topics, short: str, places: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
        """The records about these requests, by partition and offset, in this order."""

        def by_place(found: Sequence[Any]) -> Mapping[tuple[int, int], dict[str, Any]]:
            values = [json.loads(record.value) for record in found if record.value]
            return {tuple(map(int, value["event_id"].split("-")[-2:])): value for value in values if value["event_id"]}

        found = by_place(await self.records(topics, short, lambda found: set(places) <= by_place(found).keys()))
        return [found[place] for place in places]

    @asynccontextmanager
    async def writing(self, connection: Connection) -> AsyncIterator[AIOKafkaProducer]:
        """A producer of somebody's own, which knows none of our rules."""
        producer = AIOKafkaProducer(**connection.client_options(), max_request_size=8 * 1024 * 1024)
        await producer.start()
        try:
            yield producer
        finally:
            await producer.stop()

    def child(self, account: str) -> int:
        """The process that serves this account."""
        parent = self.worker.process.pid
        children = map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split())
        wanted = f"--account\0{account}\0worker".encode()
        [pid] = [pid for pid in children if wanted in Path(f"/proc/{pid}/cmdline").read_bytes()]
        return pid

    def _table(self, account: str, directory: Path) -> str:
        name = user(account, Role.WORKER)
        settings = {
            "key_dir": str(self.key_dirs[account]),
            "snapshot_dir": str(directory / account / "snapshots"),
            "sasl_username": name,
            "sasl_password_file": str(self.secured.password_file(name)),
            "http_port": self.ports[account],
        }
        lines = (f"{setting} = {json.dumps(value)}" for setting, value in settings.items())
        return f"[accounts.{account}]\n" + "\n".join(lines) + "\n"

    async def _code(self, account: str) -> str:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.ports[account])
        except OSError:
            return "none"
        writer.write(b"GET /ready HTTP/1.0\r\n\r\n")
        line = await reader.readline()
        writer.close()
        return line.split()[1].decode() if line else "none"
