"""Commands about the places that the operator named."""
