"""Rules that clean values before they are cast."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, TypeVar

from datacoolie.core.models import CaseRule, EmptyToNullRule, FillNullRule, MapRule, RegexReplaceRule, TrimRule
from datacoolie.core.types import StringType
from datacoolie.sql import ExpressionError, call, case, col, lit
from datacoolie.sql.patterns import check_regex
from datacoolie.transformers.base import BaseTransformer
from datacoolie.transformers.literals import literal

if TYPE_CHECKING:
    from datacoolie.core.models import ValueRule
    from datacoolie.core.types import DataType
    from datacoolie.sql import Expr
    from datacoolie.transformers.base import TransformContext

Frame = TypeVar("Frame")


class ValueRules(BaseTransformer[Frame]):
    """Apply `transform.value_rules`, lowest `order` first, equal ones as written. Types of columns stay."""

    order: ClassVar[int] = 5

    def applies(self, context: TransformContext[Frame]) -> bool:
        """Return whether there are rules."""
        return bool(context.flow.transform.value_rules)

    def transform(self, frame: Frame, context: TransformContext[Frame]) -> Frame:
        """Replace the columns of all rules at once: a rule sees what the rules before made of its column."""
        schema = context.frames.schema(frame)
        values: dict[str, Expr] = {}
        for at, rule in sorted(enumerate(context.flow.transform.value_rules), key=lambda item: item[1].order):
            field = f"transform.value_rules[{at}]"
            for name in rule.columns:
                if column := context.column_if_any(name, schema, field):
                    try:
                        values[column] = applied(rule, values.get(column, col(column)), schema[column])
                    except (ValueError, ExpressionError) as error:
                        raise context.error(
                            field, f"{rule.operation}: column {column!r}: {error}", column=column
                        ) from error
        return context.frames.with_columns(frame, values) if values else frame


def applied(rule: ValueRule, value: Expr, kind: DataType) -> Expr:
    """Return what a rule makes of a value of type `kind`.

    Raises:
        ValueError: the rule doesn't go with the type, or one of its own values doesn't.
        ExpressionError: a pattern is not portable.
    """
    match rule:
        case FillNullRule():
            return call("coalesce", value, literal(rule.value, kind))
        case MapRule():
            return _mapped(rule, value, kind)
        case _ if not isinstance(kind, StringType):
            message = f"it is {kind}, and the rule is for text; take the column out of the rule"
            raise ValueError(message)
        case TrimRule():
            return call("trim", value)
        case CaseRule():
            return call(rule.mode, value)
        case EmptyToNullRule():
            return call("nullif", value, lit(""))
        case RegexReplaceRule():
            check_regex(rule.pattern)
            return call("regexp_replace", value, lit(rule.pattern), lit(_literally(rule.replacement)))


def _literally(replacement: str) -> str:
    r"""Return a replacement in which `$1` and `\` mean themselves."""
    return re.sub(r"[\\$]", r"\\\g<0>", replacement)


def _mapped(rule: MapRule, value: Expr, kind: DataType) -> Expr:
    branches = [(call("=", value, literal(old, kind)), literal(new, kind)) for old, new in rule.mapping.items()]
    unmapped = value if rule.on_unmapped == "keep" else literal(None, kind)
    return case(*branches, default=unmapped) if branches else unmapped
