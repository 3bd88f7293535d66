"""A batch of jobs: its record and template, the store that moves it, and what is read and shown of it."""
