"""Avro files: Polars decodes and encodes them, some blocks at a time."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from io import SEEK_END, BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import polars as pl

from datacoolie.core.suggest import listed
from datacoolie.engines.reading import avro_reading
from datacoolie_engine_polars import failures, schemas
from datacoolie_engine_polars.files.avro_container import Container, Header, malformed
from datacoolie_engine_polars.files.avro_schema import ReadableSchema
from datacoolie_engine_polars.files.readers import Reader, scan_each
from datacoolie_engine_polars.options import parameters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_CODECS = ("null", "deflate", "snappy")
_PART = 16 << 20
"""Bytes of blocks that are decoded at once."""


class AvroReader(Reader):
    """Reads Avro under the schema that each file was written with."""

    format: ClassVar[str] = "avro"

    def configure(self, options: Mapping[str, object]) -> None:
        """Check the options; Spark's defaults are the only possible values."""
        avro_reading(options, parameters(pl.read_avro, frozenset({"columns", "n_rows"})))

    def schema(self, path: str) -> pl.Schema:
        """Return the schema in the file's header; times have microseconds."""
        with _opened(self.access.source(path)) as container:
            return _Decoder(container.header).schema

    def scan(self, paths: Sequence[str], schema: pl.Schema, *, with_path: bool) -> pl.LazyFrame:
        """Read the files one after another while the pass runs, a few blocks at a time."""
        return scan_each(paths, schema, lambda path: _parts(self.access.source(path)), with_path=with_path)

    def explain(self, path: str, error: BaseException) -> str:
        """Say that the file is no whole Avro file."""
        return f"this is not a readable Avro file: {super().explain(path, error).removeprefix('avro: ')}"


@contextmanager
def _opened(source: str | BytesIO) -> Iterator[Container]:
    with Path(source).open("rb") if isinstance(source, str) else source as file:
        size = file.seek(0, SEEK_END)
        file.seek(0)
        yield Container(file, size)


def _parts(source: str | BytesIO) -> Iterator[pl.DataFrame]:
    """Yield the rows of a file, some blocks at a time."""
    with _opened(source) as container:
        decoder = _Decoder(container.header)
        blocks: list[bytes] = []
        size = 0
        for block in container.blocks():
            blocks.append(block)
            size += len(block)
            if size >= _PART:
                yield decoder.decode(blocks)
                blocks, size = [], 0
        if blocks:
            yield decoder.decode(blocks)


class _Decoder:
    """Decodes blocks of one file into rows of the types that the framework has."""

    def __init__(self, header: Header) -> None:
        if header.codec not in _CODECS:
            message = f"blocks are compressed by {header.codec!r}; the engine 'polars' reads {listed(_CODECS)}"
            raise malformed(message)
        readable = ReadableSchema(header.schema)
        header = replace(header, schema=readable.schema)
        self._header = header.encoded()
        # Polars decompresses even where there is no block.
        self._empty = replace(header, codec="null").encoded()
        self._symbols = [
            pl.col(name).replace_strict(range(len(symbols)), symbols, return_dtype=pl.String)
            for name, symbols in readable.symbols.items()
        ]

    @property
    def schema(self) -> pl.Schema:
        return self._decode(self._empty).schema

    def decode(self, blocks: Sequence[bytes]) -> pl.DataFrame:
        return self._decode(self._header + b"".join(blocks))

    def _decode(self, content: bytes) -> pl.DataFrame:
        try:
            frame = pl.read_avro(BytesIO(content)).with_columns(self._symbols)
        except failures.FAILURES as error:
            message = f"a block can't be decoded: {failures.first_line(error)}"
            raise malformed(message) from error
        return frame.cast({name: schemas.stored(kind, column=name) for name, kind in frame.schema.items()})
