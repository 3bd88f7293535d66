"""What lies between gunicorn and the application: connections, waiting clients, the log of requests."""
