"""Generators: latent vectors to pictures."""
