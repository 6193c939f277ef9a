#!/usr/bin/env python3
"""Makes tests/tensor/blocks.json: random blocks of every quantised format and the float32 values that the gguf
Python module reads from them (ggml's library for formats that the module lacks), bit for bit, and hashes of the
code books.

    python3 tools/reference/make_blocks.py tests/tensor/blocks.json

Needs gguf (0.19) and, for OF_THE_LIBRARY, libggml (0.27). The same versions give the same file.
"""
import ctypes
import json
import sys

import numpy as np
from gguf import GGMLQuantizationType, GGML_QUANT_SIZES, quants

# Where the halves of a block lie that scale it; any other byte may be anything.
HALVES = {"Q2_K": [80, 82], "Q3_K": [108], "Q4_1": [0, 2], "Q5_1": [0, 2], "Q4_K": [0, 2], "Q5_K": [0, 2],
          "Q6_K": [208], "TQ1_0": [52], "TQ2_0": [64], "MXFP4": [], "IQ1_M": []}
NAMES = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ2_XXS", "IQ2_XS", "IQ2_S",
         "IQ3_XXS", "IQ3_S", "IQ1_S", "IQ1_M", "IQ4_NL", "IQ4_XS", "TQ1_0", "TQ2_0", "MXFP4"]
OF_THE_LIBRARY = {"Q1_0": 41, "Q2_0": 42}
VALUES = 256  # of each format


def random_blocks(name, count, size, random):
    blocks = random.integers(0, 256, (count, size), dtype=np.uint8)
    for at in HALVES.get(name, [0]):
        halves = random.normal(0, 0.05, count).astype(np.float16)
        blocks[:, at:at + 2] = halves.view(np.uint8).reshape(count, 2)
    if name == "IQ1_M":  # the half is spread over the top nibbles of four words
        words = blocks[:, 48:56].view(np.uint16)
        half = random.normal(0, 0.05, count).astype(np.float16).view(np.uint16)
        for i in range(4):
            words[:, i] = words[:, i] & 0x0FFF | (half >> (4 * i) & 15) << 12
    return blocks


class TypeTraits(ctypes.Structure):  # ggml_type_traits of ggml.h
    _fields_ = [("name", ctypes.c_char_p), ("block_values", ctypes.c_int64), ("interleave", ctypes.c_int64),
                ("block_bytes", ctypes.c_size_t), ("quantised", ctypes.c_bool),
                ("to_float", ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64))]


def library_traits(kind):
    library = ctypes.CDLL("libggml-base.so.0")
    library.ggml_get_type_traits.restype = ctypes.POINTER(TypeTraits)
    return library.ggml_get_type_traits(kind).contents


def golden(kind, values, size, blocks, floats):
    assert np.isfinite(floats).all(), kind
    return {"type_id": kind, "block_size": values, "type_size": size, "blocks_hex": blocks.tobytes().hex(),
            "f32_le_hex": floats.astype("<f4").tobytes().hex()}


def fnv1a(array):
    value = 0xCBF29CE484222325
    for byte in array.tobytes():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def code_books():
    def grid(cls, factor=1):
        cls.init_grid()
        return fnv1a((cls.grid * factor).astype(np.int8))
    return {"iq2_xxs": grid(quants.IQ2_XXS), "iq2_xs": grid(quants.IQ2_XS), "iq2_s": grid(quants.IQ2_S),
            "iq3_xxs": grid(quants.IQ3_XXS), "iq3_s": grid(quants.IQ3_S), "iq1_s in eighths": grid(quants.IQ1_S, 8),
            "signs": fnv1a(np.frombuffer(quants.IQ2_XXS.ksigns, dtype=np.uint8)),
            "iq4_nl": fnv1a(np.array(quants.IQ4_NL.kvalues, dtype=np.int8)),
            "mxfp4": fnv1a(np.array(quants.MXFP4.kvalues, dtype=np.int8))}


def main():
    random = np.random.default_rng(20)
    goldens = {}
    for name in NAMES:
        kind = GGMLQuantizationType[name]
        values, size = GGML_QUANT_SIZES[kind]
        blocks = random_blocks(name, max(1, VALUES // values), size, random)
        goldens[name] = golden(int(kind), values, size, blocks, quants.dequantize(blocks, kind))
    for name, kind in OF_THE_LIBRARY.items():
        traits = library_traits(kind)
        assert traits.name.decode().upper() == name
        blocks = random_blocks(name, VALUES // traits.block_values, traits.block_bytes, random)
        floats = np.empty(VALUES, np.float32)
        traits.to_float(blocks.ctypes.data, floats.ctypes.data, VALUES)
        goldens[name] = golden(kind, traits.block_values, traits.block_bytes, blocks, floats)
    goldens["code_books_fnv1a"] = code_books()
    with open(sys.argv[1], "w") as out:
        json.dump(goldens, out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main()
