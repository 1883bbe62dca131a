import io
import json
import logging

from clinx.domain.money import Amount
from clinx.telemetry import logs


def written(style: str, level: str = "info") -> tuple[io.StringIO, logging.Logger]:
    stream = io.StringIO()
    logs.configure(style=style, level=level, stream=stream)
    return stream, logging.getLogger("clinx.test")


def test_an_event_is_one_json_object_with_its_fields() -> None:
    stream, log = written("json")

    log.info("exchange.finished", extra={"model": "gpt-4o", "charge": Amount(2500), "hint": None})

    line = json.loads(stream.getvalue())
    assert {key: line[key] for key in line if key != "at"} == {
        "level": "info",
        "logger": "clinx.test",
        "event": "exchange.finished",
        "model": "gpt-4o",
        "charge": "0.0000025",
    }


def test_fields_may_come_together() -> None:
    stream, log = written("json")

    log.info("exchange.finished", extra={"fields": {"model": "gpt-4o", "charge": Amount(2500), "cause": None}})

    line = json.loads(stream.getvalue())
    assert {key: line[key] for key in line if key not in {"at", "level", "logger", "event"}} == {
        "model": "gpt-4o",
        "charge": "0.0000025",
    }


def test_text_style_writes_fields_as_pairs() -> None:
    stream, log = written("text")

    log.warning("reload.failed", extra={"file": "gateway.yaml"})

    assert stream.getvalue().rstrip().endswith("warning reload.failed file=gateway.yaml")


def test_an_exception_goes_into_the_line_as_text() -> None:
    stream, log = written("json")

    log.error("task.failed", exc_info=ValueError("inner"))

    assert json.loads(stream.getvalue())["error"].endswith("ValueError: inner")


def test_the_level_holds_for_our_loggers_and_libraries_stay_quiet() -> None:
    stream, log = written("json", level="warning")

    log.info("quiet")
    logging.getLogger("tortoise").info("quiet too")

    assert stream.getvalue() == ""


def test_an_event_of_the_hot_path_is_the_same_line_with_or_without_a_record() -> None:
    stream, log = written("json")
    fields = {"model": "gpt-4o", "charge": Amount(2500), "cause": None, "tries": 2, "flags": ["a"]}

    logs.say(log, "exchange.finished", fields)
    log.addHandler(logging.NullHandler())  # Somebody else listens: a record is made.
    try:
        logs.say(log, "exchange.finished", fields)
    finally:
        log.handlers.clear()

    first, second = ({**json.loads(line), "at": ""} for line in stream.getvalue().splitlines())
    assert first == second
    assert first == {
        "at": "",
        "level": "info",
        "logger": "clinx.test",
        "event": "exchange.finished",
        "model": "gpt-4o",
        "charge": "0.0000025",
        "tries": 2,
        "flags": ["a"],
    }


def test_an_event_of_the_hot_path_is_written_as_text_for_a_person() -> None:
    stream, log = written("text")

    logs.say(log, "exchange.finished", {"model": "gpt-4o"})

    assert stream.getvalue().rstrip().endswith("info    exchange.finished model=gpt-4o")


def test_an_event_of_the_hot_path_is_silent_below_the_level() -> None:
    stream, log = written("json", level="warning")

    logs.say(log, "exchange.finished", {"model": "gpt-4o"})

    assert stream.getvalue() == ""
