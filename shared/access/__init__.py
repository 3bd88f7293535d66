"""API keys: their records, and the table of them that a process asks at every request."""
