// The code books of the IQ formats: a few bits of a block name a vector of 8 or 4 small numbers. An index of n
// bits has a book of 2^n entries, so that no bytes of a file can lead outside of one. The numbers are facts of the
// format (github.com/ggml-org/ggml, ggml-common.h).
#pragma once

#include <cstdint>

namespace troika::quant {

// Plain structs: the kernels may call no inline functions (kernels/simd_scalar.h).
template <class Word, int kEntries>
struct CodeBook {
  Word entry[kEntries];  // a byte for each number, the first in the lowest
};

extern const CodeBook<uint64_t, 256> kIq2XxsBook;   // 8, 25, 43
extern const CodeBook<uint64_t, 512> kIq2XsBook;    // the same numbers
extern const CodeBook<uint64_t, 1024> kIq2SBook;    // the same numbers
extern const CodeBook<uint32_t, 256> kIq3XxsBook;   // 4, 12 … 52, 62
extern const CodeBook<uint32_t, 512> kIq3SBook;     // 1, 3 … 15
extern const CodeBook<uint64_t, 2048> kIq1Book;     // -8, 0, 8: int8, the format's -1, 0, 1 in eighths

// Signs of 8 weights (a set bit: negative) from 7 bits: the eighth makes their number even.
extern const CodeBook<uint8_t, 128> kEvenSigns;

extern const CodeBook<int8_t, 16> kIq4Levels;  // IQ4_NL, IQ4_XS
extern const CodeBook<int8_t, 16> kFp4Levels;  // MXFP4: the numbers of FP4 E2M1 (sign, 2 bits, 1 bit), doubled

}  // namespace troika::quant
