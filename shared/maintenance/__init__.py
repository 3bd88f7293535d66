"""Periodic maintenance: expired leases, expired jobs and files, objects without a record."""
