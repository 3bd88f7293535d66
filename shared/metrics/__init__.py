"""What processes tell Prometheus: registries, the port of those without HTTP, and the queue's numbers."""
