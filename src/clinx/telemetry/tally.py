"""Counters and histograms of the hot path: plain numbers, turned into Prometheus' families when somebody scrapes.

An increment of a Prometheus child takes a lock and some calls; an exchange makes a dozen. All of ours happen on the
event loop, where adding to a number is enough.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

Labels = tuple[str, ...]


class Tally(Collector):
    """A counter with labels."""

    def __init__(self, name: str, documentation: str, labels: Sequence[str]) -> None:
        """Name it, and its labels in the order of the keys."""
        self._name = name
        self._documentation = documentation
        self._labels = labels
        self._counts: defaultdict[Labels, int] = defaultdict(int)

    def add(self, labels: Labels, count: int = 1) -> None:
        """Add to the count of these labels' values."""
        self._counts[labels] += count

    def collect(self) -> Iterator[Metric]:
        """Write what was counted."""
        family = CounterMetricFamily(self._name, self._documentation, labels=self._labels)
        for labels, count in list(self._counts.items()):
            family.add_metric(labels, count)
        yield family


class Spread(Collector):
    """A histogram with labels."""

    def __init__(self, name: str, documentation: str, labels: Sequence[str], bounds: Sequence[float]) -> None:
        """Name it, its labels, and the upper bounds of its buckets, ascending."""
        self._name = name
        self._documentation = documentation
        self._labels = labels
        self._bounds = bounds
        self._rows: dict[Labels, tuple[list[int], list[float]]] = {}

    def add(self, labels: Labels, value: float) -> None:
        """Add one observation."""
        row = self._rows.get(labels)
        if row is None:
            row = self._rows[labels] = ([0] * (len(self._bounds) + 1), [0.0])
        row[0][bisect_left(self._bounds, value)] += 1
        row[1][0] += value

    def collect(self) -> Iterator[Metric]:
        """Write what was observed, cumulated as Prometheus wants it."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=self._labels)
        bounds = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        for labels, (counts, total) in list(self._rows.items()):
            below, buckets = 0, list[tuple[str, float]]()
            for bound, count in zip(bounds, list(counts), strict=True):
                below += count
                buckets.append((bound, below))
            family.add_metric(labels, buckets=buckets, sum_value=total[0])
        yield family
