"""Jobs at the API: submission, validation, events, and a job as a response."""
