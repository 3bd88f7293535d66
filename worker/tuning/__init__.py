"""`atelier tune`: which settings make this machine fastest, measured, kept in a file and used by workers."""
