"""The API as it is described to people."""
