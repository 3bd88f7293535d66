"""The Python client of the service: typed requests, jobs and batches over HTTP."""
