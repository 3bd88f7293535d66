"""Jobs in the API: submission, validation, and the workers that run them."""
