"""Checksums and encodings."""

from __future__ import annotations

from datacoolie.core.types import BinaryType, LongType, StringType
from datacoolie.sql.functions.model import BINARY, INT, TEXT, Function, Takes

_STRING = StringType()

HASHING: tuple[Function, ...] = (
    Function(name="md5", signature=Takes((BINARY,), _STRING), doc="The MD5 checksum in lower-case hexadecimal digits."),
    Function(
        name="sha1",
        signature=Takes((BINARY,), _STRING),
        doc="The SHA-1 checksum in hexadecimal digits.",
        aliases=("sha",),
    ),
    Function(
        name="sha2",
        signature=Takes((BINARY, INT("bits").fixed), _STRING),
        doc="The SHA-2 checksum of 224, 256 (also 0), 384 or 512 bits in hexadecimal digits.",
    ),
    Function(name="crc32", signature=Takes((BINARY,), LongType()), doc="The CRC-32 checksum."),
    Function(name="hex", signature=Takes((BINARY,), _STRING), doc="The bytes in upper-case hexadecimal digits."),
    Function(name="base64", signature=Takes((BINARY,), _STRING), doc="The bytes in base 64."),
    Function(name="unbase64", signature=Takes((TEXT,), BinaryType()), doc="The bytes of a text in base 64."),
)
