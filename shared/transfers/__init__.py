"""Batches from and to places: pictures of a source become items, results are put at a destination."""
