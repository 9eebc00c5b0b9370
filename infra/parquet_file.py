"""Parquet files of bounded length that come into being with their first row."""

from __future__ import annotations

import uuid
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

FILE_ROWS = 65_536
"""After so many rows another file begins: whoever writes or reads one keeps its row groups' places in memory."""


class NewFile:
    """Files of names of their own in `folder`, as `paths` tells; each batch (columns in any order) is one row group.

    Raises pyarrow.ArrowInvalid for a NULL in a column that the schema requires.
    """

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self.paths: list[Path] = []
        self._folder, self._schema = folder, schema
        self._writer: pq.ParquetWriter | None = None
        self._rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Writes a batch, if it holds a row."""
        if not batch.num_rows:
            return
        if self._writer is None:
            self.paths.append(self._folder / f"part-{uuid.uuid4().hex}.snappy.parquet")
            # Delta's log tells what a file holds; the ends of long texts, row group by row group, are of no use.
            self._writer = pq.ParquetWriter(self.paths[-1], self._schema, write_statistics=False)
        columns = [batch.column(name) for name in self._schema.names]
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))
        self._rows += batch.num_rows
        if self._rows >= FILE_ROWS:
            self._close()

    def _close(self) -> None:
        if self._writer:
            self._writer.close()
        self._writer, self._rows = None, 0

    def __enter__(self) -> NewFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
