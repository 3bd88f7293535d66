"""Settings of jobs under names, in versions."""
