"""Copies of all records, and their return into an empty server."""
