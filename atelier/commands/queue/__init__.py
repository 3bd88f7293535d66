"""Commands that steer the queue."""
