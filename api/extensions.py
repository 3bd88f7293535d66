"""Names under which the application keeps what it was given. Imports nothing: gunicorn reads it too."""

SERVICES = "atelier.services"
CAPACITY = "atelier.capacity"
WAITS = "atelier.waits"
OPENAPI = "atelier.openapi"
