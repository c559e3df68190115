from __future__ import annotations

import pickle

import pytest

from datacoolie.core.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    ShortType,
    StringType,
    StructType,
    TimestampNtzType,
    TimestampType,
    parse_type,
)

NAMED = [
    (NullType(), "void"),
    (BooleanType(), "boolean"),
    (ByteType(), "tinyint"),
    (ShortType(), "smallint"),
    (IntegerType(), "int"),
    (LongType(), "bigint"),
    (FloatType(), "float"),
    (DoubleType(), "double"),
    (DecimalType(10, 2), "decimal(10,2)"),
    (DecimalType(38, 38), "decimal(38,38)"),
    (StringType(), "string"),
    (BinaryType(), "binary"),
    (DateType(), "date"),
    (TimestampType(), "timestamp"),
    (TimestampNtzType(), "timestamp_ntz"),
    (ArrayType(IntegerType()), "array<int>"),
    (ArrayType(ArrayType(DecimalType(5, 1))), "array<array<decimal(5,1)>>"),
    (MapType(StringType(), ArrayType(LongType())), "map<string,array<bigint>>"),
    (StructType(()), "struct<>"),
    (StructType((("Id", LongType()), ("price", DecimalType(9, 3)))), "struct<Id:bigint,price:decimal(9,3)>"),
    (
        StructType((("m", MapType(StringType(), StructType((("x", DateType()),)))), ("b", BinaryType()))),
        "struct<m:map<string,struct<x:date>>,b:binary>",
    ),
    (StructType((("a b", IntegerType()), ("c,d:<e>", DateType()))), "struct<`a b`:int,`c,d:<e>`:date>"),
    (StructType((("tick`s", ArrayType(IntegerType())),)), "struct<`tick``s`:array<int>>"),
]


@pytest.mark.parametrize(("kind", "name"), NAMED)
def test_a_type_is_written_as_spark_does_and_read_back(kind: DataType, name: str) -> None:
    assert str(kind) == name
    assert parse_type(name) == kind
    assert pickle.loads(pickle.dumps(kind)) == kind  # noqa: S301 - what was pickled just now
    assert hash(kind) == hash(parse_type(name))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("INTEGER", IntegerType()),
        ("Long", LongType()),
        ("SHORT", ShortType()),
        ("byte", ByteType()),
        ("bool", BooleanType()),
        ("real", FloatType()),
        ("DATETIME", TimestampType()),
        ("timestamp_ltz", TimestampType()),
        ("NUMERIC", DecimalType(10, 0)),
        ("dec", DecimalType(10, 0)),
        ("numeric(12)", DecimalType(12, 0)),
        ("Decimal ( 12 , 4 )", DecimalType(12, 4)),
        ("varchar(20)", StringType()),
        ("CHAR(3)", StringType()),
        ("  string ", StringType()),
        ("ARRAY< Int >", ArrayType(IntegerType())),
        ("array <int>", ArrayType(IntegerType())),
        ("Map<String, Decimal(3, 1)>", MapType(StringType(), DecimalType(3, 1))),
        ("struct<A: int, b : string>", StructType((("A", IntegerType()), ("b", StringType())))),
    ],
)
def test_other_spellings(text: str, kind: DataType) -> None:
    assert parse_type(text) == kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        "strng",
        "int>",
        "array<>",
        "array<int",
        "array<int>>",
        "map<int>",
        "map<int,int,int>",
        "decimal(5",
        "decimal(a,b)",
        "varchar(5,2)",
        "int(5)",
    ],
)
def test_what_is_no_type_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a data type; possible: bigint, binary"):
        parse_type(text)


@pytest.mark.parametrize(
    ("text", "part"), [("a", "a"), (":int", ":int"), ("a:int,", ""), ("``:int", "``:int"), ("`a:int", "`a:int")]
)
def test_what_is_no_field_is_refused(text: str, part: str) -> None:
    with pytest.raises(ValueError, match=f"^'{part}' is not a field of a struct; write name:type$"):
        parse_type(f"struct<{text}>")


def test_a_near_match_is_named() -> None:
    with pytest.raises(ValueError, match=r"^'timestmp' is not a data type; .*\. Did you mean 'timestamp'\?$"):
        parse_type("array<timestmp>")


@pytest.mark.parametrize("text", ["decimal(39,0)", "decimal(0,0)", "decimal(5,6)", "array<decimal(5,6)>"])
def test_decimals_that_no_engine_holds_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="precision is 1 to 38, scale 0 to precision"):
        parse_type(text)


def test_types_with_other_parameters_differ() -> None:
    assert DecimalType(10, 2) != DecimalType(10, 3)
    assert len({TimestampType(), TimestampNtzType(), TimestampType()}) == 2
    assert StructType((("a", IntegerType()),)) != StructType((("A", IntegerType()),))
