"""Commands for the shell that calls `atelier`."""
