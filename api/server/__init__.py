"""The layer between gunicorn and the application: connections, waiting clients, gunicorn's worker."""
