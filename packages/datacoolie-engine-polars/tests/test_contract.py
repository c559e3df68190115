"""What every engine does, done by Polars."""

from __future__ import annotations

from datacoolie.testing import EngineSuite

LOUD = "it needs more than 38 digits on the way: an error instead of a value"
SHORTEST = "the shortest text that reads back, as Java writes it from version 19 on; the vectors are from Java 17"
DIGITS = "digits of other scripts are no digits"
LEAST = "Spark fails for the least value of 38 digits, though its positive value fits"
WRAPS = "beyond 5.8 million years Spark wraps around; an error here"

DIFFERENCES = {
    "operators: a - b (decimal(38,10),decimal(38,10)) #2": LOUD,
    "operators: a / b (decimal(38,10),decimal(38,10))": LOUD,
    "operators: a / b (decimal(38,0),decimal(38,0))": LOUD,
    "maths: abs(a) (decimal(38,2))": LEAST,
    "maths: negative(a) (decimal(38,2))": LEAST,
    "strings: initcap(a) (string)": "the dotted capital I of Turkish becomes I and a combining dot",
    "casts: cast(a as string) (double)": SHORTEST,
    "casts: cast(a as string) (float)": SHORTEST,
    "casts: cast(a as decimal(10,2)) (string)": DIGITS,
    "casts: try_cast(a as decimal(10,2)) (string)": DIGITS,
    "casts: cast(a as timestamp) (string)": "zones by name are an error",
    "casts: try_cast(a as timestamp) (string)": "zones by name are null",
    "casts: cast(a as timestamp_ntz) (string)": "zones by name are an error",
    "casts: try_cast(a as timestamp_ntz) (string)": "zones by name are null",
    "dates: date_add(a, b) (date,int)": WRAPS,
}


class TestPolars(EngineSuite):
    """The fixture `engine` is the conftest's."""

    differences = DIFFERENCES
