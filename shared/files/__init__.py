"""Uploaded files, stored styles and their style vectors."""
