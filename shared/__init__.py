"""Code that the API and the worker share: jobs, their state in Redis, and their bytes in storage."""
