"""Batches in the API: request bodies, items, faults, submission, and responses."""
