"""The ways in which a secret turns up inside other text, and how they are found in one pass over it."""

from __future__ import annotations

import html
import re
from binascii import b2a_base64
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SHORT = 4
"""Forms with fewer characters than these are found as whole words only: elsewhere they would be chance."""

_SHORTEST_LINE = 8
"""Lines of a secret with fewer characters than these say nothing by themselves: `{`, `}`, `-----`."""


_PLAIN = re.compile(r"[A-Za-z0-9_.~-]+")
"""A text that nothing escapes."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_.~-]")
_HEX = re.compile(r"%[0-9A-F]{2}")
_MARKUP = re.compile("[&<>\"']")


class Form(NamedTuple):
    """A text that gives a secret away.

    Attributes:
        text: what is looked for.
        before: characters before it that hold a part of the secret too.
        after: characters after it that do, with the `=` that may follow them.
    """

    text: str
    before: int = 0
    after: int = 0


ESCAPING = re.compile(r"[%\\&]")
"""A text without any of these holds no escaped form that is not as its secret is."""


def plain_forms(value: str) -> set[Form]:
    """Return the forms of a secret in a text without `ESCAPING`: as it is, its lines, and base64 at any offset."""
    if _PLAIN.fullmatch(value):
        return {Form(value), *_base64(value)}
    texts = _texts(value)
    encoded = {form for text in {value, value.strip(), *_json(value)} for form in _base64(text)}
    with_plus = (text.replace(" ", "+") for text in texts)
    return {form for form in (*map(Form, texts), *map(Form, with_plus), *encoded) if form.text}


def escaped_forms(value: str) -> set[Form]:
    """Return the forms of a secret that is escaped once or twice; none where nothing escapes it."""
    if _PLAIN.fullmatch(value):
        return set()
    texts = _texts(value)
    once = _escaped(texts)
    return {Form(text) for text in once | _escaped(once - texts) if text}


def _texts(value: str) -> set[str]:
    lines = (line for line in map(str.strip, value.splitlines()) if len(line) >= _SHORTEST_LINE)
    return {value, value.strip(), *lines}


def _escaped(texts: Iterable[str]) -> set[str]:
    return {escaped for text in texts for escape in _ESCAPES for escaped in escape(text)}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _quoted(text: str) -> tuple[str, ...]:
    if _PLAIN.fullmatch(text):
        return ()
    # By hand, for `urllib.parse.quote` looks at each character; there are ways that leave `/`, or have `+` for a space.
    whole = _UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", _bytes(text).decode("latin-1"))
    return whole, whole.replace("%2F", "/"), whole.replace("%20", "+")


def _lower_hex(text: str) -> tuple[str, ...]:
    return (_HEX.sub(lambda found: found[0].lower(), text),) if "%" in text else ()


def _json(text: str) -> tuple[str, ...]:
    return encode_basestring_ascii(text)[1:-1], encode_basestring(text)[1:-1]


def _repr(text: str) -> tuple[str, ...]:
    # With both quotes in it `repr` escapes the single ones, as it does when a secret stands inside such a text.
    return repr(text)[1:-1], repr(text + "'\"")[1:-4]


def _markup(text: str) -> tuple[str, ...]:
    if not _MARKUP.search(text):
        return ()
    return html.escape(text), html.escape(text, quote=False)


_ESCAPES: tuple[Callable[[str], tuple[str, ...]], ...] = (_quoted, _lower_hex, _json, _repr, _markup)


_NOTHING = bytes(3)

_IN_URLS = str.maketrans("+/", "-_")
"""The characters of base64 that are others in URLs."""


def _base64(text: str) -> Iterable[Form]:
    """Yield the base64 forms of a text that begins at a multiple of three bytes, or one or two after it.

    A character of base64 holds six bits. Those at the ends may share theirs with what stands beside the secret: they
    are no part of what is looked for.
    """
    raw = _bytes(text)
    for offset in range(3):
        first, last = -(-8 * offset // 6), 8 * (offset + len(raw)) // 6
        shared = (8 * (offset + len(raw))) % 6 != 0
        inner = b2a_base64(_NOTHING[:offset] + raw, newline=False).decode()[first:last]
        # Beside a short secret the shared ones are most of it.
        if len(inner) >= SHORT:
            yield Form(inner, int(offset > 0), int(shared))
            if "+" in inner or "/" in inner:
                yield Form(inner.translate(_IN_URLS), int(offset > 0), int(shared))
    if len(raw) < SHORT:
        whole = b2a_base64(raw, newline=False).decode()
        yield from (Form(whole), Form(whole.rstrip("=")))


class Finder:
    """Finds forms in a text, in one pass however many there are.

    Text is looked at in pieces of four characters. Every eighth place is enough to meet a form of at least eleven
    characters, whichever way it lies; only shorter ones, if there are any, need a look at every place.
    """

    def __init__(self) -> None:
        """Know no form."""
        self._known: set[Form] = set()
        self._long, self._medium = _Pieces(step=8), _Pieces(step=1)
        self._short: frozenset[str] = frozenset()
        self._words: re.Pattern[str] | None = None

    def add(self, forms: set[Form]) -> None:
        """Find these forms from now on; one caller at a time, others may search meanwhile."""
        short = set(self._short)
        for form in forms - self._known:
            if len(form.text) < SHORT:
                short.add(form.text)
            else:
                (self._long if self._long.can_meet(form) else self._medium).add(form)
        self._known |= forms
        if short != self._short:
            self._short = frozenset(short)
            longest_first = sorted(map(re.escape, short), key=len, reverse=True)
            self._words = re.compile(rf"(?<!\w)(?:{'|'.join(longest_first)})(?!\w)")

    def replace(self, text: str, mask: str) -> str:
        """Return `text` with each form in it replaced by `mask`; forms that overlap are replaced together."""
        spans = [*self._long.spans(text), *self._medium.spans(text)]
        if spans:
            text = _replaced(text, sorted(spans), mask)
        return self._words.sub(mask, text) if self._words else text


class _Pieces:
    """Forms by pieces of four characters, one of which lies at a multiple of `step` wherever the form begins.

    The forms of one secret often begin alike: they are found together, by their head.
    """

    def __init__(self, *, step: int) -> None:
        self._step = step
        self._forms: dict[str, tuple[Form, ...]] = {}
        self._heads: dict[str, tuple[str, ...]] = {}

    def can_meet(self, form: Form) -> bool:
        return len(form.text) >= SHORT + self._step - 1

    def add(self, form: Form) -> None:
        head = form.text[: SHORT + self._step - 1]
        known = self._forms.get(head, ())
        self._forms[head] = (*known, form)
        if known:
            return
        # One object for all pieces: of so many small ones the collector of garbage would take more time than this.
        alone = (head,)
        for offset in range(self._step):
            piece = head[offset : offset + SHORT]
            others = self._heads.setdefault(piece, alone)
            if others is not alone and head not in others:
                self._heads[piece] = (*others, head)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where forms begin and end, with what beside them holds a part of the secret."""
        known = self._heads
        if not known:
            return []
        met = [at for at in range(0, len(text) - SHORT + 1, self._step) if text[at : at + SHORT] in known]
        return [
            (max(at - offset - form.before, 0), _end(text, at - offset, form))
            for at in met
            for head in known[text[at : at + SHORT]]
            for offset in range(min(self._step, at + 1))
            if text.startswith(head, at - offset)
            for form in self._forms[head]
            if text.startswith(form.text, at - offset)
        ]


def _end(text: str, at: int, form: Form) -> int:
    end = at + len(form.text) + form.after
    while form.after and text.startswith("=", end):
        end += 1
    return end


def _replaced(text: str, spans: Iterable[tuple[int, int]], mask: str) -> str:
    """Replace spans, in the order in which they begin."""
    parts: list[str] = []
    end = 0
    for first, last in spans:
        if first >= end:
            parts += [text[end:first], mask]
        end = max(end, last)
    return "".join([*parts, text[end:]])
