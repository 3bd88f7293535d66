"""The user's side: the typed client and the `atelier` command."""
