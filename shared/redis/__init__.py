"""The connection to the Redis-protocol server, and the Lua scripts."""

import sys

# redis-py imports OpenTelemetry's metrics where they are installed, though nobody asks for any: 4 MiB a process.
_METRICS = "opentelemetry.sdk.metrics"
if _METRICS not in sys.modules:
    sys.modules[_METRICS] = None  # type: ignore[assignment]
    try:
        import redis.observability.providers  # noqa: F401
    finally:
        del sys.modules[_METRICS]
