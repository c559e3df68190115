"""Checksums and encodings."""

from __future__ import annotations

from tools.vectors.cases.values import BINARIES, TEXTS
from tools.vectors.model import column

FUNCTIONS = (
    "md5(a)",
    "sha1(a)",
    "sha(a)",
    "sha2(a, 256)",
    "sha2(a, 0)",
    "sha2(a, 224)",
    "sha2(a, 384)",
    "sha2(a, 512)",
    "crc32(a)",
    "hex(a)",
    "base64(a)",
)

CASES = (
    column("string", TEXTS, *FUNCTIONS, "unbase64(base64(a))"),
    column("binary", BINARIES, *FUNCTIONS),
    column("string", ("", "YQ==", "YWI=", "YWJj", "YWJjZA", None), "unbase64(a)"),
    column("string", ("a" * 100,), "base64(a)", "hex(a)"),
    column("string", ("!!", "YQ=", "Y", "YW Jj"), "unbase64(a)"),
)
