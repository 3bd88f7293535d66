"""What the API and the worker agree on: what a job is, and where its state and bytes live."""
