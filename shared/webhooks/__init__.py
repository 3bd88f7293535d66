"""Webhooks: events, deliveries, secrets, allowed addresses. worker/webhooks sends them."""
