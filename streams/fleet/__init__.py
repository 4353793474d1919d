"""Several programs, each a process of its own, kept running by one that does nothing else; knows no Kafka."""
