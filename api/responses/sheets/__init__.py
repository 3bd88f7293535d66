"""Contact sheets of batches: drawn, and kept for a while."""
