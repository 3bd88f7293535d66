"""Folders and buckets that the operator named: what batches ask of them, how they are read and written."""
