"""A folder of photos, sent as batches and mirrored into another folder, however often it is interrupted."""
