"""The `atelier` command's subcommands, one a file."""
