"""What owners may have, what they have, and what their jobs took."""
