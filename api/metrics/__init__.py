"""What the API tells Prometheus: the queue's numbers, and how requests went."""
