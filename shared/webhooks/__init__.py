"""Webhooks: events, deliveries, secrets, allowed addresses. They are sent by worker/webhooks."""
