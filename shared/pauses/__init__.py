"""Pauses: what is not started for a time, why, and until when."""
