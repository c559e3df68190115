"""Text to expression: the scalar part of Spark SQL's grammar, by precedence climbing.

Spark's own precedence, which is not the SQL standard's in places: `NOT` binds looser than comparisons, `BETWEEN`, `IN`,
`LIKE` and `IS` apply to a whole comparison (`a = b IS NULL` is `(a = b) IS NULL`), `||` binds as `+`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from datacoolie.core.types import BooleanType, parse_type
from datacoolie.sql.analysis import bind
from datacoolie.sql.build import and_, joined, not_
from datacoolie.sql.calls import make_call
from datacoolie.sql.constants import TYPED, number_constant, typed_constant
from datacoolie.sql.errors import ExpressionError, Position
from datacoolie.sql.lexer import Kind, Token, tokens
from datacoolie.sql.nodes import Case, Cast, Column, Expr, Literal
from datacoolie.sql.text import RESERVED

if TYPE_CHECKING:
    from datacoolie.core.types import DataType

_BINARY = (
    ("=", "==", "!=", "<>", "<", "<=", ">", ">=", "<=>"),
    ("+", "-", "||"),
    ("*", "/", "%", "div"),
)
"""Operators between values, loosest first; those on a line bind alike, from left to right."""

_NAMES = {"==": "=", "<>": "!=", "||": "concat"}
_UNSUPPORTED = {
    "&": "Bit operators",
    "|": "Bit operators",
    "^": "Bit operators",
    "~": "Bit operators",
    "<<": "Bit operators",
    ">>": "Bit operators",
    "->": "Lambda functions",
    "=>": "Named arguments",
    "[": "Elements of arrays and maps",
    ":": "Paths into JSON",
    ".": "Fields of structs, and names of tables before columns,",
    "over": "Window functions",
    "select": "Subqueries",
    "exists": "Subqueries",
    "interval": "Intervals",
    "collate": "Collations",
}
MAX_CHAIN = 100
"""Operators between values that may follow each other."""

MAX_DEPTH = 50
"""Levels of nesting: what a program wrote badly is refused before Python's stack ends."""


def parse(text: str) -> Expr:
    """Read a scalar expression of Spark SQL.

    Args:
        text: for example `upper(trim(name)) = 'A' AND amount > 0`.

    Raises:
        ExpressionError: it is no expression, or uses what is outside of the portable language.
    """
    return _Parser(text).whole()


class _Parser:
    """Reads tokens from left to right; each method reads one rule of the grammar."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.next = 0
        self.depth = 0

    def whole(self) -> Expr:
        if self.ended():
            self.fail("The expression is empty", self.current)
        expr = self.expression()
        if not self.ended():
            self.unexpected("an operator or the end")
        if not expr.columns:
            bind(expr, {})
        return expr

    def ended(self) -> bool:
        return self.current.kind is Kind.END

    @property
    def current(self) -> Token:
        return self.tokens[self.next]

    def at(self, token: Token) -> Position:
        return Position.of(self.text, token.offset)

    def fail(self, message: str, token: Token) -> NoReturn:
        raise ExpressionError(message, self.at(token))

    def unexpected(self, expected: str) -> NoReturn:
        token = self.current
        unsupported = _UNSUPPORTED.get(token.text.lower()) if token.kind in (Kind.NAME, Kind.SYMBOL) else None
        if unsupported:
            self.fail(f"{unsupported} are not supported yet ({token.text!r})", token)
        found = "the end" if token.kind is Kind.END else repr(self.text[token.offset : token.end])
        self.fail(f"Expected {expected}, found {found}", token)

    def take(self, *words: str) -> Token | None:
        """Step over the current token if it is one of these keywords or symbols."""
        token = self.current
        if not token.is_word(*words):
            return None
        self.next += 1
        return token

    def need(self, word: str) -> Token:
        token = self.take(word)
        if token is None:
            self.unexpected(repr(word.upper()))
        return token

    def expression(self) -> Expr:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail(f"The expression is nested more than {MAX_DEPTH} levels deep", self.current)
        conditions, at = [self.conjunction()], self.at(self.current)
        while self.take("or"):
            conditions.append(self.conjunction())
        self.depth -= 1
        return joined("or", conditions, at)

    def conjunction(self) -> Expr:
        conditions, at = [self.negation()], self.at(self.current)
        while self.take("and"):
            conditions.append(self.negation())
        return joined("and", conditions, at)

    def negation(self) -> Expr:
        negations = []
        while token := self.take("not", "!"):
            negations.append(token)
        expr = self.predicate()
        for token in reversed(negations):
            expr = make_call("not", (expr,), self.at(token))
        return expr

    def predicate(self) -> Expr:
        """Read a value and the test that may follow it."""
        value = self.binary(0)
        negation = self.take("not")
        token = self.take("between", "in", "like", "ilike", "rlike", "regexp", "is")
        if token is None and negation is None:
            return value
        if token is None or (negation and token.is_word("is")):
            self.unexpected("BETWEEN, IN, LIKE, ILIKE or RLIKE")
        at = self.at(token)
        match token.text.lower():
            case "between":
                test = self.between(value, at)
            case "in":
                test = make_call("in", (value, *self.members()), at)
            case "is":
                test = self.state(value, at)
            case name:
                test = make_call(name, (value, *self.pattern(name)), at)
        return not_(test) if negation else test

    def between(self, value: Expr, at: Position) -> Expr:
        low = self.binary(0)
        self.need("and")
        high = self.binary(0)
        return and_(make_call(">=", (value, low), at), make_call("<=", (value, high), at))

    def members(self) -> tuple[Expr, ...]:
        self.need("(")
        return self.arguments()

    def pattern(self, name: str) -> tuple[Expr, ...]:
        pattern = self.binary(0)
        if name in ("like", "ilike") and self.take("escape"):
            return pattern, self.binary(0)
        return (pattern,)

    def state(self, value: Expr, at: Position) -> Expr:
        """Read what follows `IS`: `[NOT] NULL | TRUE | FALSE | UNKNOWN | DISTINCT FROM x`."""
        negated = self.take("not") is not None
        token = self.take("null", "unknown", "true", "false", "distinct")
        if token is None:
            self.unexpected("NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM")
        match token.text.lower():
            case "null" | "unknown":
                return make_call("isnotnull" if negated else "isnull", (value,), at)
            case "distinct":
                self.need("from")
                test = make_call("<=>", (value, self.binary(0)), at)
                return test if negated else not_(test)
            case word:
                test = make_call("<=>", (value, Literal(word == "true", BooleanType())), at)
                return not_(test) if negated else test

    def binary(self, level: int) -> Expr:
        if level == len(_BINARY):
            return self.unary()
        left = self.binary(level + 1)
        count = 0
        while token := self.take(*_BINARY[level]):
            count += 1
            if count > MAX_CHAIN:
                self.fail(f"More than {MAX_CHAIN} operators in a row", token)
            name = token.text.lower()
            left = make_call(_NAMES.get(name, name), (left, self.binary(level + 1)), self.at(token))
        return left

    def unary(self) -> Expr:
        signs = []
        while token := self.take("-", "+"):
            signs.append(token)
        # The sign just before a number belongs to the number: -2147483648 is an int.
        minus = bool(signs) and signs[-1].text == "-" and self.current.kind is Kind.NUMBER
        expr = self.postfix(negative=minus)
        for token in reversed(signs[:-1] if minus else signs):
            if token.text == "-":
                expr = make_call("negative", (expr,), self.at(token))
        return expr

    def postfix(self, *, negative: bool) -> Expr:
        expr = self.number(negative=negative) if self.current.kind is Kind.NUMBER else self.primary()
        while token := self.take("::"):
            expr = Cast(expr, self.type(), at=self.at(token))
        return expr

    def number(self, *, negative: bool) -> Expr:
        token = self.current
        self.next += 1
        return number_constant(token.text, self.at(token), negative=negative)

    def primary(self) -> Expr:  # noqa: PLR0911 - one case per kind of token
        token = self.current
        match token.kind:
            case Kind.STRING:
                return self.string()
            case Kind.BYTES:
                self.next += 1
                return typed_constant("x", token.text, self.at(token))
            case Kind.QUOTED:
                self.next += 1
                return self.column(token)
            case Kind.NAME:
                return self.word(token)
            case _ if self.take("("):
                return self.parenthesised()
            case _ if token.is_word("*"):
                return self.fail("'*' stands for no value here", token)
            case _:
                return self.unexpected("a value")

    def string(self) -> Expr:
        """Read strings that follow each other as one."""
        first = self.current
        parts = []
        while self.current.kind is Kind.STRING:
            parts.append(self.current.text)
            self.next += 1
        return typed_constant("string", "".join(parts), self.at(first))

    def parenthesised(self) -> Expr:
        expr = self.expression()
        if self.current.is_word(","):
            self.fail("Rows of several values are not supported yet", self.current)
        self.need(")")
        return expr

    def word(self, token: Token) -> Expr:  # noqa: PLR0911 - one case per kind of word
        """Read what begins with a word: a keyword, a constant, a call or a column."""
        self.next += 1
        word = token.text.lower()
        if word in TYPED and self.current.kind is Kind.STRING:
            text = self.current.text
            self.next += 1
            return typed_constant(word, text, self.at(token))
        match word:
            case "case":
                return self.case(token)
            case "cast" | "try_cast":
                return self.cast(token)
            case "null" | "true" | "false":
                return typed_constant(word, word, self.at(token))
            case _ if self.current.is_word("(") and word not in ("and", "or", "not", "in", "is"):
                return self.call(token)
            case _ if word in RESERVED or (word == "interval" and self.current.kind in (Kind.NUMBER, Kind.STRING)):
                self.next -= 1
                return self.unexpected("a value")
            case _:
                return self.column(token)

    def column(self, token: Token) -> Expr:
        if self.current.is_word("."):
            self.unexpected("an operator or the end")
        return Column(token.text, self.at(token))

    def call(self, token: Token) -> Expr:
        if token.is_word("exists"):
            self.fail("Subqueries are not supported yet ('exists')", token)
        self.need("(")
        if self.current.is_word("distinct", "*"):
            self.fail(f"Aggregates are not supported yet ({token.text!r})", token)
        arguments = self.arguments()
        if self.current.is_word("over"):
            self.unexpected("an operator or the end")
        return make_call(token.text.lower(), arguments, self.at(token))

    def arguments(self) -> tuple[Expr, ...]:
        """Read up to the closing parenthesis; the opening one is behind."""
        found: list[Expr] = []
        if self.take(")"):
            return ()
        while True:
            found.append(self.expression())
            if not self.take(","):
                break
        if self.take(")") is None:
            self.unexpected("',' or ')'")
        return tuple(found)

    def case(self, token: Token) -> Expr:
        subject = None if self.current.is_word("when") else self.expression()
        branches = []
        while when := self.take("when"):
            condition = self.expression()
            if subject is not None:
                condition = make_call("=", (subject, condition), self.at(when))
            self.need("then")
            branches.append((condition, self.expression()))
        if not branches:
            self.unexpected("'WHEN'")
        default = self.expression() if self.take("else") else None
        self.need("end")
        return Case(tuple(branches), default, self.at(token))

    def cast(self, token: Token) -> Expr:
        self.need("(")
        operand = self.expression()
        self.need("as")
        kind = self.type()
        self.need(")")
        return Cast(operand, kind, safe=token.is_word("try_cast"), at=self.at(token))

    def type(self) -> DataType:
        """Read a type: a name and what stands in parentheses or angle brackets behind it."""
        first = self.current
        if first.kind is not Kind.NAME:
            self.unexpected("a type")
        self.next += 1
        last, depth = first, 0
        while depth or self.current.is_word("(", "<"):
            last = self.current
            if last.kind is Kind.END:
                self.unexpected("')'")
            depth += last.is_word("(", "<") - last.is_word(")", ">")
            self.next += 1
        try:
            return parse_type(self.text[first.offset : last.end])
        except ValueError as error:
            raise ExpressionError(str(error), self.at(first)) from error
