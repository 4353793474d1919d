"""`make kafka`: one broker of Apache Kafka for work by hand, until it is told to stop."""

import argparse
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.kafka.broker import Kafka, KafkaError
from tests.kafka.jars import KafkaMissingError


def main(arguments: Sequence[str]) -> int:
    """Run it and say how to reach it; 0 when it was told to stop, 1 when it cannot run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=1, help="brokers of the cluster")
    parser.add_argument("--directory", type=Path, help="keeps its data; without it they go at the end")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="facestreams-kafka-") as passing:
        kafka = Kafka(given.directory or Path(passing), nodes=given.nodes)
        print("starting Apache Kafka", flush=True)
        try:
            with kafka:
                print("Apache Kafka runs; in another terminal:")
                print(f"  export FACESTREAMS_BOOTSTRAP_SERVERS={kafka.bootstrap()}")
                print("  .venv/bin/facestreams topics create", flush=True)
                signal.sigwait({signal.SIGINT, signal.SIGTERM})
        except (KafkaError, KafkaMissingError) as error:
            print(f"kafka: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    sys.exit(main(sys.argv[1:]))
