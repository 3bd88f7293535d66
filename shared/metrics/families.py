"""Families of metrics that a collector makes at the scrape."""

import math
from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

Family = GaugeMetricFamily | CounterMetricFamily
Samples = Mapping[tuple[str, ...], float]  # by the values of the labels


def gauge(name: str, text: str, value: float | None) -> Iterator[Family]:
    """Yield a gauge without labels; nothing where there is no number."""
    if value is not None and not math.isnan(value):
        yield GaugeMetricFamily(f"atelier_{name}", text, value=value)


def gauges(name: str, text: str, labels: str, samples: Samples) -> Iterator[Family]:
    """Yield a gauge with labels, their names apart by blanks."""
    yield _filled(GaugeMetricFamily(f"atelier_{name}", text, labels=labels.split()), samples)


def counters(name: str, text: str, labels: str, samples: Samples) -> Iterator[Family]:
    """Yield a counter with labels, their names apart by blanks; its name ends with `_total`."""
    yield _filled(CounterMetricFamily(f"atelier_{name}", text, labels=labels.split()), samples)


def _filled(family: Family, samples: Samples) -> Family:
    for values, number in samples.items():
        if not math.isnan(number):
            family.add_metric(values, number)
    return family
