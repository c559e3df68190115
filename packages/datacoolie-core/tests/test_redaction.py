from __future__ import annotations

import base64
import io
import json
import logging
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from datacoolie.core.exceptions import DataCoolieError
from datacoolie.core.redaction import (
    HiddenError,
    RedactingFilter,
    get_logger,
    redact,
    redact_data,
    redacted_json,
    secrets_hidden,
)
from datacoolie.core.secret_forms import ESCAPING, escaped_forms, plain_forms
from datacoolie.core.secret_provider import get_registered_secret_values, register_secret_values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

SECRET = "p@ss w/\"ö\\\n'x+?>~"


@pytest.fixture
def log() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """A logger whose handler redacts, and what that handler wrote."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactingFilter())
    logger = logging.Logger("test", logging.DEBUG)  # noqa: LOG001 - one that no other test sees
    logger.addHandler(handler)
    yield logger, stream
    handler.close()


def test_without_secrets_text_is_as_it_was() -> None:
    assert redact("nothing to hide ***") == "nothing to hide ***"


def test_the_empty_string_is_never_masked() -> None:
    register_secret_values("", "hunter2", "")
    assert get_registered_secret_values() == {"hunter2"}
    assert redact("a hunter2 b hunter2") == "a *** b ***"


def test_registered_values_are_a_snapshot() -> None:
    register_secret_values("one")
    before = get_registered_secret_values()
    register_secret_values("two", "one")
    assert before == {"one"}
    assert get_registered_secret_values() == {"one", "two"}


def test_a_secret_registered_later_is_masked_from_then_on() -> None:
    register_secret_values("hunter2")
    assert redact("hunter2 hunter3") == "*** hunter3"
    register_secret_values("hunter3")
    assert redact("hunter2 hunter3") == "*** ***"


def test_secrets_that_overlap_are_masked_together() -> None:
    register_secret_values("abcd", "abcdef", "efghij", "a-secret-of-twenty-c", "twenty-characters-and-more")
    assert redact("abcdefg abcdx abcdefghij") == "***g ***x ***"
    assert redact("<a-secret-of-twenty-characters-and-more>") == "<***>"


def test_a_short_secret_is_masked_as_a_word_of_its_own() -> None:
    register_secret_values("abc", "pg", "#1")
    assert redact("abc abcd pgpg 'pg' pg2 =#1") == "*** abcd pgpg '***' pg2 =***"


@pytest.mark.parametrize("before", ["", "u", "us", "use", "user:"])
@pytest.mark.parametrize("after", ["", "x", "xy", "xyz"])
def test_base64_at_any_offset(before: str, after: str) -> None:
    """What is left beside the mask holds no bit of the secret."""
    register_secret_values("hunter2-öß")
    texts = []
    for secret in ("hunter2-öß", "HUNTER3+ÄÜ"):
        register_secret_values(secret)
        texts.append(redact(f"<{base64.urlsafe_b64encode((before + secret + after).encode()).decode()}>"))
    assert texts[0] == texts[1]
    assert "***" in texts[0]


def test_lines_of_a_key() -> None:
    register_secret_values("{\n  MIIEvQIBADANBgkqhkiG\n  9w0BAQEFAASCBKcwggSj\n}\n")
    assert redact("{ 9w0BAQEFAASCBKcwggSj }") == "{ *** }"


def test_forms_of_forms() -> None:
    register_secret_values('p@ss/w"ö&<rd')
    in_json = json.dumps({"k": 'p@ss/w"ö&<rd'})
    for text in (
        repr(in_json),
        json.dumps(in_json),
        "p%40ss%2fw%22%c3%b6%26%3crd",
        quote(quote('p@ss/w"ö&<rd', safe=""), safe=""),
        "<Key>p@ss/w&quot;ö&amp;&lt;rd</Key>",
        '<Key>p@ss/w"ö&amp;&lt;rd</Key>',
    ):
        assert "ss" not in redact(text), text


def test_escaped_forms_are_found_whenever_the_first_text_that_may_hold_one_comes() -> None:
    register_secret_values("first/secret one")
    assert redact("nothing escaped, first/secret one, first/secret+one") == "nothing escaped, ***, ***"
    assert redact("first%2Fsecret%20one") == "***"
    register_secret_values('second"secret')
    assert redact("nothing escaped") == "nothing escaped"
    assert redact('first%2Fsecret+one second\\"secret') == "*** ***"


@pytest.mark.parametrize(
    "secret", ["p w", "a'b\"c d", "tab\there", "ö ü", "x\\y", "a&b <c>", "50% off", "line\nby line", "🦆 "]
)
def test_a_text_without_certain_characters_holds_no_escaped_form(secret: str) -> None:
    assert [form.text for form in escaped_forms(secret) - plain_forms(secret) if not ESCAPING.search(form.text)] == []


def test_where_long_secrets_begin_makes_no_difference() -> None:
    secrets = ["0123456789a", "abcdefghijklmnopqrstuvwxyz", "abcdefgh-other"]
    register_secret_values(*secrets)
    for at in range(40):
        for secret in secrets:
            assert redact("." * at + secret + "." * (40 - at)) == "." * at + "***" + "." * (40 - at)


@pytest.mark.parametrize(
    "form",
    [
        "p@ss w/\"ö\\\n'x+?>~",
        "p%40ss%20w/%22%C3%B6%5C%0A%27x%2B%3F%3E~",
        "p%40ss%20w%2F%22%C3%B6%5C%0A%27x%2B%3F%3E~",
        "p%40ss+w%2F%22%C3%B6%5C%0A%27x%2B%3F%3E~",
        "cEBzcyB3LyLDtlwKJ3grPz5+",
        "cEBzcyB3LyLDtlwKJ3grPz5-",
        "p@ss w/\\\"\\u00f6\\\\\\n'x+?>~",
        "p@ss w/\\\"ö\\\\\\n'x+?>~",
        "p@ss w/\"ö\\\\\\n\\'x+?>~",
    ],
)
def test_every_form_of_a_secret_is_masked(form: str) -> None:
    register_secret_values(SECRET)
    assert redact(f"<{form}>") == "<***>"


def test_forms_that_others_make() -> None:
    register_secret_values(SECRET, "it's", "it's\x1b", "a")
    assert redact(json.dumps({"k": SECRET})) == '{"k": "***"}'
    assert redact(repr([SECRET])) == "['***']"
    assert redact(repr("it's\x1b")) == '"***"'
    assert redact(repr('"it\'s"')) == "'\"***\"'"
    assert redact("YQ== YQ") == "*** ***"


def test_a_value_read_with_its_line_end_is_masked_without_it_too() -> None:
    register_secret_values("hunter2\n")
    assert redact("hunter2 hunter2\n") == "*** ***"


def test_a_secret_that_is_no_valid_unicode_can_be_registered() -> None:
    register_secret_values("\udc80tail")
    assert redact("<\udc80tail>") == "<***>"


def test_secrets_are_no_patterns() -> None:
    register_secret_values("a.*b")
    assert redact("axxb a.*b") == "axxb ***"


def test_nested_data() -> None:
    register_secret_values("hunter2")
    data = {"hunter2": ["x hunter2", 3, None, True, 2.5], "error": {"at": ("hunter2", {"deep": "hunter2"})}}
    assert redact_data(data) == {"***": ["x ***", 3, None, True, 2.5], "error": {"at": ("***", {"deep": "***"})}}
    assert data["hunter2"] == ["x hunter2", 3, None, True, 2.5]
    assert redact_data({"path": Path("a/hunter2"), "raw": b"hunter2", "set": {"hunter2"}, "at": date(2026, 1, 2)}) == {
        "path": "a/***",
        "raw": "b'***'",
        "set": "{'***'}",
        "at": date(2026, 1, 2),
    }
    assert redacted_json({"n": 1, "path": Path("a/hunter2")}) == '{"n": 1, "path": "a/***"}'


def test_threads_register_and_redact_at_once() -> None:
    def work(number: int) -> str:
        register_secret_values(f"<secret-{number}>")
        return redact(f"<secret-{number}>")

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(work, range(200))) == {"***"}
    assert len(get_registered_secret_values()) == 200


def test_messages_and_arguments(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = log
    register_secret_values("hunter2", "1234")
    logger.info("open hunter2 with %s, %r, %d", "hunter2", {"p": "hunter2"}, 1234)
    logger.info("%(user)s", {"user": "me", "password": "hunter2"})
    logger.info(ValueError("hunter2"))
    logger.info("100%% of %s", "it")
    assert stream.getvalue() == "open *** with ***, {'p': '***'}, ***\nme\n***\n100% of it\n"


def test_a_percent_sign_in_a_rendered_message_is_no_format(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = log
    logger.info("%s", "50 %s done")
    assert stream.getvalue() == "50 %s done\n"


def test_arguments_that_do_not_fit_are_shown_masked(
    log: tuple[logging.Logger, io.StringIO], capsys: pytest.CaptureFixture[str]
) -> None:
    logger, stream = log
    register_secret_values("hunter2")
    logger.info("%d rows", "hunter2")
    assert stream.getvalue() == "%d rows ('***',)\n"
    assert capsys.readouterr().err == ""


def test_a_traceback_with_a_secret_stays_as_text(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = log
    register_secret_values("hunter2")
    error = ValueError("login with hunter2")
    error.__cause__ = KeyError("hunter2")
    error.__cause__.add_note("see hunter2")
    logger.error("failed", exc_info=_caught(error))
    text = stream.getvalue()
    assert text.startswith("failed\nKeyError: '***'\nsee ***\n\nThe above exception was the direct cause")
    assert "Traceback (most recent call last):\n" in text
    assert text.endswith(", in _caught\n    raise error\nValueError: login with ***\n")


def test_a_formatter_that_reads_exc_info_can_not_bring_the_secret_back() -> None:
    register_secret_values("hunter2")
    record = logging.makeLogRecord({"exc_info": _caught(ValueError("hunter2")), "exc_text": "cached: hunter2"})
    assert RedactingFilter().filter(record)
    assert record.exc_info is None
    assert str(record.exc_text).endswith("\nValueError: ***")


def test_a_traceback_without_a_secret_is_left_alone() -> None:
    register_secret_values("hunter2")
    caught = _caught(ValueError("boom"))
    record = logging.makeLogRecord({"exc_info": caught})
    assert RedactingFilter().filter(record)
    assert record.exc_info is caught


def test_no_exception_at_hand(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = log
    logger.error("failed", exc_info=True)  # noqa: LOG014 - someone will
    assert stream.getvalue() == "failed\nNoneType: None\n"


def test_stack_and_extra_fields() -> None:
    register_secret_values("hunter2")
    record = logging.makeLogRecord({"msg": "m", "stack_info": "at hunter2", "context": {"url": ["x://hunter2@y"]}})
    assert RedactingFilter().filter(record)
    assert record.stack_info == "at ***"
    assert vars(record)["context"] == {"url": ["x://***@y"]}


def test_what_the_framework_logs_is_redacted_for_everybody(caplog: pytest.LogCaptureFixture) -> None:
    register_secret_values("hunter2")
    for name in ("datacoolie.test", "datacoolie.test"):
        get_logger(name).error("with %s", "hunter2", exc_info=_caught(ValueError("hunter2")))
    assert len(get_logger("datacoolie.test").filters) == 1
    assert "hunter2" not in caplog.text
    assert caplog.text.count("with ***") == 2


def test_errors_of_the_framework_hold_no_secret() -> None:
    register_secret_values("hunter2")
    error = DataCoolieError("login with hunter2", {"url": "x://hunter2@y", "tries": 2})
    assert (error.message, str(error), error.args) == ("login with ***", "login with ***", ("login with ***",))
    assert error.details == {"url": "x://***@y", "tries": 2}


class SdkError(Exception):
    """Keeps what it says where `args` are not."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __str__(self) -> str:
        return f"GET {self.url}"


def _sdk(url: str) -> None:
    error = SdkError(url)
    error.add_note(f"see {url}")
    raise error


def _layer(url: str) -> None:
    try:
        _sdk(url)
    except SdkError as error:
        raise KeyError("harmless") from error  # noqa: EM101 - no message


@secrets_hidden
def _fails(url: str) -> None:
    try:
        _layer(url)
    except KeyError as error:
        message = "can't read"
        raise DataCoolieError(message) from error


def test_causes_of_errors_hold_no_secret() -> None:
    register_secret_values("hunter2")
    with pytest.raises(DataCoolieError, match="can't read") as caught:
        _fails("https://hunter2@host")
    text = "".join(traceback.format_exception(caught.value.__cause__))
    assert "hunter2" not in text
    assert "HiddenError: SdkError: GET https://***@host\nsee https://***@host\n" in text
    assert "in _sdk\n    raise error\n" in text
    assert isinstance(caught.value.__cause__, KeyError)


def test_what_was_handled_when_an_error_came_holds_no_secret() -> None:
    register_secret_values("hunter2")

    @secrets_hidden
    def fails() -> None:
        try:
            _sdk("hunter2")
        except SdkError:
            raise KeyError("harmless")  # noqa: B904, EM101 - someone forgets it

    with pytest.raises(KeyError) as caught:
        fails()
    assert "hunter2" not in repr(caught.value.__context__)
    assert isinstance(caught.value.__context__, HiddenError)


def test_an_error_of_others_with_a_secret_is_replaced() -> None:
    register_secret_values("hunter2")

    @secrets_hidden
    def fails() -> None:
        raise SdkError("hunter2")  # noqa: EM101 - no message

    with pytest.raises(HiddenError, match=r"^SdkError: GET \*\*\*$") as caught:
        fails()
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def _caught(error: ValueError) -> tuple[type[ValueError], ValueError, TracebackType | None]:
    """Return `error` with a traceback, as `sys.exc_info` would."""
    try:
        raise error
    except ValueError as caught:
        return type(caught), caught, caught.__traceback__
