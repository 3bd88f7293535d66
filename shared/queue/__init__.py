"""Celery: its application and queues, and the messages that tell workers of waiting jobs."""
