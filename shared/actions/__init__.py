"""Bulk actions: one thing to do with all jobs that a filter admits, some at a time."""
