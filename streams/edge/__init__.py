"""Programs outside the worker: publish, enroll, watch."""
