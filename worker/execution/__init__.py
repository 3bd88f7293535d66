"""One attempt at a job: its lease, stages, inputs, batch mates and results."""
