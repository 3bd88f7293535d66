"""Stored bytes under keys: folders, buckets, and the free space of a disk."""
