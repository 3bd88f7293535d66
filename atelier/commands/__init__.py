"""The subcommands of `atelier`."""
