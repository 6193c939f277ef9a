"""Writes a GGUF v3 file: typed metadata, a table of tensors, their data aligned to 32 bytes.

One idea: the caller says each value's type by a small tuple, ("u32", 7), so the file holds what was meant.
"""

import struct

import numpy as np

ALIGNMENT = 32
_SCALARS = {"u32": (4, "<I"), "i32": (5, "<i"), "f32": (6, "<f"), "bool": (7, "<?"), "u64": (10, "<Q")}
_STRING, _ARRAY = 8, 9
F32, F16, Q8_0 = 0, 1, 8


def string(text: str) -> bytes:
    data = text.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def value(kind: str, content) -> bytes:
    """The type and the value: a scalar, "string", or an array such as "string[]" and "i32[]"."""
    if kind.endswith("[]"):
        item = kind[:-2]
        code = _STRING if item == "string" else _SCALARS[item][0]
        body = b"".join(map(string, content)) if item == "string" else b"".join(struct.pack(_SCALARS[item][1],
                                                            x) for x in content)
        return struct.pack("<IIQ", _ARRAY, code, len(content)) + body
    if kind == "string":
        return struct.pack("<I", _STRING) + string(content)
    code, form = _SCALARS[kind]
    return struct.pack("<I", code) + struct.pack(form, content)


def pack_q8_0(weights: np.ndarray) -> bytes:
    """Blocks of 32 weights along the last axis: a half-float scale, then 32 signed bytes."""
    blocks = np.ascontiguousarray(weights, np.float32).reshape(-1, 32)
    exact = np.abs(blocks).max(axis=1, keepdims=True) / 127
    scale = exact.astype(np.float16)
    divisor = scale.astype(np.float32)
    quants = np.divide(blocks, divisor, out=np.zeros_like(blocks), where=divisor > 0).round().clip(-127,
                                                            127).astype(np.int8)
    packed = np.empty(len(blocks), np.dtype([("scale", "<f2"), ("quants", "i1", 32)]))
    packed["scale"], packed["quants"] = scale[:, 0], quants
    return packed.tobytes()


def pad(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % ALIGNMENT)


def write(path, metadata: dict, tensors: list) -> int:
    """metadata: key -> (kind, content). tensors: (name, float array, True for Q8_0, "f16" for half floats, False for
    single ones). Returns the bytes."""
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(metadata))
    head += b"".join(string(key) + value(*typed) for key, typed in metadata.items())
    at, bodies = 0, []
    for name, weights, stored in tensors:
        code = F16 if stored == "f16" else Q8_0 if stored else F32
        body = pad(pack_q8_0(weights) if code == Q8_0
                   else np.ascontiguousarray(weights, "<f2" if code == F16 else "<f4").tobytes())
        shape = weights.shape[::-1]  # the fastest axis comes first in GGUF
        head += string(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape)
        head += struct.pack("<IQ", code, at)
        at += len(body)
        bodies.append(body)
    data = pad(head) + b"".join(bodies)
    with open(path, "wb") as file:
        file.write(data)
    return len(data)
