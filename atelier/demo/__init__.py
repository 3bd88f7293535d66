"""`atelier demo`, and the pictures that it draws."""
