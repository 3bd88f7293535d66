"""Uploaded files, stored styles and what networks saw in them."""
