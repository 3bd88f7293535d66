"""Batches at the API: bodies, items, faults, submission, and a batch as a response."""
