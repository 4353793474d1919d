"""The consumer group: faust's app and consumer as the lease needs them."""
