"""A Parquet file that comes into being with its first row."""

from __future__ import annotations

import uuid
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq


class NewFile:
    """A file of a name of its own in `folder`; each batch (columns in any order) is one row group.

    Raises pyarrow.ArrowInvalid for a NULL in a column that the schema requires.
    """

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self.path = folder / f"part-{uuid.uuid4().hex}.snappy.parquet"
        self._schema = schema
        self._writer: pq.ParquetWriter | None = None

    @property
    def paths(self) -> list[Path]:
        """The file, if there is any row."""
        return [self.path] if self._writer else []

    def write(self, batch: pa.RecordBatch) -> None:
        """Writes a batch, if it holds a row."""
        if batch.num_rows:
            # Delta's log tells what a file holds; the ends of long texts, row group by row group, are of no use.
            self._writer = self._writer or pq.ParquetWriter(self.path, self._schema, write_statistics=False)
            columns = [batch.column(name) for name in self._schema.names]
            self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))

    def __enter__(self) -> NewFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer:
            self._writer.close()
