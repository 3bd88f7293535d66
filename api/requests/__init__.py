"""Reading requests: bodies, forms, headers and queries."""
