"""An installation on this machine: its processes, state folder, lock and embedded server."""
