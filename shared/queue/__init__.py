"""Celery: its application, the doorbells that are sent, and the consumer that receives them."""
