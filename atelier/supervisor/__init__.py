"""Runs processes, starts them again when they fail, and ends them in order."""
