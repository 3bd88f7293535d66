"""The connection to the Redis-protocol server, and the Lua scripts."""
