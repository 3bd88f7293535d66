"""Job in, picture out."""
