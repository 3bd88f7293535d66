"""What each kind of job does with its model: a module with `prepare` and `predict` for each."""
