"""A tiny network as an ONNX file, written byte by byte: Protocol Buffers, field numbers of onnx.proto3."""

from __future__ import annotations

import struct
from pathlib import Path

_FLOAT, _HALF = 1, 10
"""Numbers of the types of elements."""


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _tensor(name: str, dims: tuple[int, ...], values: list[float], kind: int) -> bytes:
    raw = struct.pack(f"<{len(values)}{'e' if kind == _HALF else 'f'}", *values)
    return b"".join(_field(1, dim) for dim in dims) + _field(2, kind) + _field(8, name) + _field(9, raw)


def _value(name: str, dims: tuple[int, ...], kind: int) -> bytes:
    shape = b"".join(_field(1, _field(1, dim)) for dim in dims)
    return _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, shape)))


def save_tiny_segmenter(folder: Path, size_px: int = 64, gain: float = 8.0, *, half: bool = False) -> None:
    """Saves a convolution that takes for product what is darker than light grey. half: in float16."""
    kind = _HALF if half else _FLOAT
    node = b"".join(_field(1, name) for name in ("input_image", "weight", "bias"))
    node += _field(2, "output_image") + _field(4, "Conv")
    graph = _field(1, node) + _field(2, "tiny")
    graph += _field(5, _tensor("weight", (1, 3, 1, 1), [-gain] * 3, kind)) + _field(
        5, _tensor("bias", (1,), [3 * gain], kind)
    )
    graph += _field(11, _value("input_image", (1, 3, size_px, size_px), kind))
    graph += _field(12, _value("output_image", (1, 1, size_px, size_px), kind))
    path = folder / "onnx" / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_field(1, 8) + _field(7, graph) + _field(8, _field(2, 13)))
