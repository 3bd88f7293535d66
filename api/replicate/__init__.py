"""The face that Replicate's official clients take for their own service: the same jobs, files and models."""
