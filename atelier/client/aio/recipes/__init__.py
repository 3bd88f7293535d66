"""The client's side of what steers the queue."""
