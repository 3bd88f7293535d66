"""The client's side of folders and buckets that the operator named."""
