"""What much work would take."""
