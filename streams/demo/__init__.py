"""A first run: a broker, a worker, three cameras that film six people, and the truth to hold the answers against."""
