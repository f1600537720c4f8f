import io
import json
import logging
from collections.abc import Iterator

import pytest

from app.core.telemetry import configure_logging, request_id


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def lines(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()


def test_json_has_one_object_a_line_with_fields_and_request_id() -> None:
    stream = io.StringIO()
    configure_logging("json", "info", stream)
    logger = logging.getLogger("app.test")
    logger.info("loaded %s", "pets/1", extra={"fields": {"seconds": 0.5}})
    token = request_id.set("abc")
    logger.warning("über\nzwei Zeilen")
    request_id.reset(token)
    first, second = map(json.loads, lines(stream))
    assert {key: first[key] for key in ("level", "logger", "message", "seconds")} == {
        "level": "info",
        "logger": "app.test",
        "message": "loaded pets/1",
        "seconds": 0.5,
    }
    assert first["time"].endswith("+00:00")
    assert "request_id" not in first
    assert (second["message"], second["request_id"]) == ("über\nzwei Zeilen", "abc")


def test_json_carries_tracebacks_and_values_that_json_does_not_know() -> None:
    stream = io.StringIO()
    configure_logging("json", "info", stream)
    try:
        raise ZeroDivisionError("nothing to divide by")
    except ZeroDivisionError:
        logging.getLogger("app.test").exception("failed", extra={"fields": {"kind": ZeroDivisionError}})
    entry = json.loads(stream.getvalue())
    assert "ZeroDivisionError: nothing to divide by" in entry["exception"]
    assert entry["kind"] == "<class 'ZeroDivisionError'>"


def test_plain_is_one_readable_line_and_a_traceback_below() -> None:
    stream = io.StringIO()
    configure_logging("plain", "info", stream)
    logger = logging.getLogger("app.test")
    logger.info("request", extra={"fields": {"status": 200, "route": None}})
    logger.error("failed", exc_info=ValueError("why"))
    first, second, *rest = lines(stream)
    assert first.split(" ", 1)[1] == "INFO request status=200"
    assert second.endswith("ERROR failed")
    assert rest[-1] == "ValueError: why"


@pytest.mark.parametrize(("stream", "plain"), [(Terminal(), True), (io.StringIO(), False)])
def test_auto_is_plain_on_a_terminal_only(stream: io.StringIO, plain: bool) -> None:
    configure_logging("auto", "info", stream)
    logging.getLogger("app.test").info("hello")
    assert stream.getvalue().startswith("{") is not plain


def test_lower_levels_and_the_chatter_of_libraries_are_left_out() -> None:
    stream = io.StringIO()
    configure_logging("plain", "info", stream)
    logging.getLogger("app.test").debug("detail")
    logging.getLogger("uvicorn.error").info("Started server process")
    logging.getLogger("python_multipart.multipart").warning("Did not find boundary")
    logging.getLogger("PIL.TiffImagePlugin").error("More samples per pixel than can be decoded: 7")
    assert lines(stream) == []
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    assert len(lines(stream)) == 1


def test_a_second_call_replaces_the_first() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure_logging("plain", "info", first)
    configure_logging("plain", "error", second)
    logging.getLogger("app.test").warning("unheard")
    logging.getLogger("app.test").error("heard")
    assert first.getvalue() == ""
    assert len(lines(second)) == 1
