"""Model cards: the built-in ones, a user's own, and what is wrong with them."""
