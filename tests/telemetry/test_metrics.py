from datetime import UTC, datetime

from clinx.telemetry.metrics import Mark, Metrics


def test_every_instrument_is_rendered_in_the_prometheus_text_format() -> None:
    metrics = Metrics()
    metrics.finished(Mark("openai_chat", "chat", "gpt-4o", "ok"), 0.3, 0.2)
    metrics.consumed("gpt-4o", {"input": 7}, 2500)

    text = metrics.render().decode()

    assert 'clinx_exchanges_total{dialect="openai_chat",model="gpt-4o",operation="chat",outcome="ok"} 1.0' in text
    assert 'clinx_charged_nano_total{model="gpt-4o"} 2500.0' in text
    assert 'clinx_usage_total{model="gpt-4o",unit="input"} 7.0' in text
    assert 'clinx_exchange_seconds_bucket{le="0.25",operation="chat"} 0.0' in text
    assert 'clinx_exchange_seconds_bucket{le="0.5",operation="chat"} 1.0' in text
    assert 'clinx_first_byte_seconds_sum{operation="chat"} 0.2' in text
    assert "clinx_config_last_reload_successful 0.0" in text
    assert "_created" not in text


def test_an_audit_says_what_it_found_and_when() -> None:
    metrics = Metrics()
    assert "clinx_audit_last_success_timestamp_seconds 0.0" in metrics.render().decode()

    metrics.audited({"I1": 0, "I2": 3}, datetime(2030, 1, 1, tzinfo=UTC))
    metrics.audited({"I1": 1, "I2": 0}, datetime(2030, 1, 1, 0, 1, tzinfo=UTC))

    text = metrics.render().decode()
    assert 'clinx_audit_breaches{invariant="I1"} 1.0' in text
    assert 'clinx_audit_breaches{invariant="I2"} 0.0' in text
    assert "clinx_audit_last_success_timestamp_seconds 1.89345606e+09" in text


def test_two_processes_worth_of_metrics_do_not_share_a_registry() -> None:
    first, second = Metrics(), Metrics()
    first.in_flight.inc()

    assert b"clinx_exchanges_in_flight 1.0" in first.render()
    assert b"clinx_exchanges_in_flight 0.0" in second.render()
