"""Whether traces are recorded: as OpenTelemetry's standard variables say, where the extra is installed."""

import importlib
import logging
import os
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec

from shared.tracing.spans import NO_TRACING, Tracing

log = logging.getLogger("atelier.tracing")

SEND_SECONDS = 2.0  # for the last spans of a process that ends
EXPORTER, DISABLED = "OTEL_TRACES_EXPORTER", "OTEL_SDK_DISABLED"
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
PROTOCOL = "http/protobuf"
_PACKAGES = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")
NOT_INSTALLED = (
    "no traces: OpenTelemetry is not installed; in a checkout of Atelier, `pip install '.[tracing]'`"
)


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Whether the environment asks for traces: it names an exporter, or where to send them."""
    if environ.get(DISABLED, "").strip().lower() == "true":
        return False
    exporter = environ.get(EXPORTER, "").strip().lower()
    return exporter != "none" and (bool(exporter) or any(environ.get(name) for name in ENDPOINTS))


def fault_of(environ: Mapping[str, str]) -> str:
    """Return what of the environment cannot be done here; "" for nothing."""
    exporter = environ.get(EXPORTER, "").strip().lower()
    if exporter not in ("", "otlp"):
        return f"no traces: {EXPORTER} must be otlp or none; got {exporter!r}"
    protocol = next((environ[name] for name in PROTOCOLS if environ.get(name)), PROTOCOL)
    if protocol != PROTOCOL:
        return f"no traces: {PROTOCOLS[1]} must be {PROTOCOL}; got {protocol!r}"
    return "" if all(map(_is_there, _PACKAGES)) else NOT_INSTALLED


def open_tracing(service: str, instance: str) -> Tracing:
    """Return what records the spans of this process, if the environment asks for that.

    `service` is what it is called where the environment gives no other name, and `instance` which one it is.
    What cannot be done is logged once: no process of the service ends for want of traces.
    """
    if not is_wanted(os.environ):
        return NO_TRACING
    if fault := fault_of(os.environ):
        log.warning(fault)
        return NO_TRACING
    attributes = {
        "service.name": service,
        "service.namespace": "atelier",
        "service.instance.id": instance,
        "service.version": version("atelier-service"),
    }
    tracing: Tracing = importlib.import_module("shared.tracing.open_telemetry").open_telemetry(attributes)
    return tracing


def _is_there(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False
