"""Folders and buckets that the operator named, for batches."""
