"""Requests that this service makes for others: the addresses that it may reach, and the client."""
