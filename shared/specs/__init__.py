"""What a client may ask for: the specification of each kind of job, its ranges, sizes and amount of work."""
