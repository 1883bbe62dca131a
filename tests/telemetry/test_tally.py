from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from clinx.telemetry.tally import Spread, Tally

BOUNDS = (0.1, 1.0, 10.0)
SEEN = (0.05, 0.1, 0.11, 1.0, 5.0, 10.0, 11.0)


def test_a_tally_is_written_as_prometheus_writes_its_own_counter() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    tally, counter = (
        Tally("calls", "Calls.", ["who", "how"]),
        Counter("calls", "Calls.", ["who", "how"], registry=theirs),
    )
    ours.register(tally)
    for labels, count in ((("a", 'quo"te'), 2), (("b", "x"), 1), (("a", 'quo"te'), 3)):
        tally.add(labels, count)
        counter.labels(*labels).inc(count)

    assert generate_latest(ours) == _without_created(generate_latest(theirs))


def test_a_spread_is_written_as_prometheus_writes_its_own_histogram() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    spread = Spread("seconds", "Seconds.", ["what"], BOUNDS)
    histogram = Histogram("seconds", "Seconds.", ["what"], buckets=BOUNDS, registry=theirs)
    ours.register(spread)
    for value in SEEN:
        spread.add(("x",), value)
        histogram.labels("x").observe(value)

    assert generate_latest(ours) == _without_created(generate_latest(theirs))


def _without_created(text: bytes) -> bytes:
    lines = text.splitlines(keepends=True)
    return b"".join(line for line in lines if b"_created" not in line)
