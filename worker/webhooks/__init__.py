"""Sending of webhooks. What is sent is decided in shared/webhooks."""
