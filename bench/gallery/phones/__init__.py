"""Sample pictures as phones and cameras write them, and a sheet of how they are read."""
