"""Backup and restoration of an installation that may be stopped."""
