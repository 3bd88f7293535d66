"""A job: its record and status, the store that moves it, and what is read and shown of it."""
