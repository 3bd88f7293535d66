"""The places that batches read from and write to."""
