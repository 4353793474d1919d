"""A first run: a broker, a worker, three cameras that film seven people, and the truth to hold the answers against."""
