"""Settings of jobs under names."""
