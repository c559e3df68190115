"""The ways in which a secret turns up inside other text, and how they are found in one pass over it."""

from __future__ import annotations

import base64
import html
import json
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SHORT = 4
"""Forms with fewer characters than these are found as whole words only: elsewhere they would be chance."""

_SHORTEST_LINE = 8
"""Lines of a secret with fewer characters than these say nothing by themselves: `{`, `}`, `-----`."""


_PLAIN = re.compile(r"[A-Za-z0-9_.~-]+")
"""A text that nothing escapes."""


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


def forms(value: str) -> set[Form]:
    """Return the forms of a secret: as it is, its lines, escaped once or twice, and base64 at any offset."""
    if _PLAIN.fullmatch(value):
        return {Form(value), *_base64(value)}
    lines = (line for line in map(str.strip, value.splitlines()) if len(line) >= _SHORTEST_LINE)
    texts = {value, value.strip(), *lines}
    encoded = {form for text in {value, value.strip(), *_json(value)} for form in _base64(text)}
    once = _escaped(texts)
    return {form for form in (*map(Form, texts | once | _escaped(once - texts)), *encoded) if form.text}


def _escaped(texts: Iterable[str]) -> set[str]:
    return {escaped for text in texts for escape in _ESCAPES for escaped in escape(text)}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _quoted(text: str) -> tuple[str, ...]:
    raw = _bytes(text)
    return quote(raw), quote(raw, safe=""), quote_plus(raw)


def _lower_hex(text: str) -> tuple[str, ...]:
    return (re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), text),)


def _json(text: str) -> tuple[str, ...]:
    return json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]


def _repr(text: str) -> tuple[str, ...]:
    # With both quotes in it `repr` escapes the single ones, as it does when a secret stands inside such a text.
    return repr(text)[1:-1], repr(text + "'\"")[1:-4]


def _markup(text: str) -> tuple[str, ...]:
    return html.escape(text), html.escape(text, quote=False)


_ESCAPES: tuple[Callable[[str], tuple[str, ...]], ...] = (_quoted, _lower_hex, _json, _repr, _markup)


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
        inner = base64.b64encode(bytes(offset) + raw).decode()[first:last]
        # Beside a short secret the shared ones are most of it.
        if len(inner) >= SHORT:
            yield from (Form(one, int(offset > 0), int(shared)) for one in {inner, inner.translate(_IN_URLS)})
    if len(raw) < SHORT:
        whole = base64.b64encode(raw).decode()
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
    """Forms by pieces of four characters, one of which lies at a multiple of `step` wherever the form begins."""

    def __init__(self, *, step: int) -> None:
        self._step = step
        self._forms: dict[str, tuple[Form, ...]] = {}

    def can_meet(self, form: Form) -> bool:
        return len(form.text) >= SHORT + self._step - 1

    def add(self, form: Form) -> None:
        # One object for all pieces: of so many small ones the collector of garbage would take more time than this.
        alone = (form,)
        for offset in range(self._step):
            piece = form.text[offset : offset + SHORT]
            known = self._forms.setdefault(piece, alone)
            if form not in known:
                self._forms[piece] = (*known, form)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where forms begin and end, with what beside them holds a part of the secret."""
        known = self._forms
        if not known:
            return []
        met = [at for at in range(0, len(text) - SHORT + 1, self._step) if text[at : at + SHORT] in known]
        return [
            (max(at - offset - form.before, 0), _end(text, at - offset, form))
            for at in met
            for form in known[text[at : at + SHORT]]
            for offset in range(min(self._step, at + 1))
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
