"""Versions of models beside each other: which share of the jobs gets a new one, and how each does."""
