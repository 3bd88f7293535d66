"""The connection to the Redis-protocol server, and the Lua scripts."""

from shared.machine_memory import importing_without

# redis-py imports OpenTelemetry's metrics where they are installed, though nobody asks for any.
with importing_without("opentelemetry.sdk.metrics"):
    import redis.observability.providers  # noqa: F401
