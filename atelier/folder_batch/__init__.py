"""A folder of photos, submitted as batches; the pictures are saved in a folder of the same shape."""
