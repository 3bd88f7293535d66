"""What `atelier doctor` looks at."""
