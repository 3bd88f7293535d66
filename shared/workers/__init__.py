"""What workers report of themselves: the roster, their health, and the request to load models again."""
