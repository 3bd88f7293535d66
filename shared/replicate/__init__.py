"""Jobs as predictions: what clients of Replicate's API read, in responses of the API and in webhooks."""
