// Codes and lengths of the instruction stream (operations.h), for those who write it and those who read it.
#pragma once

#include <cstdint>

#include "npu/design/hardware.h"

namespace troika::npu::txn {

constexpr uint32_t kWrite = 0, kBlockWrite = 1, kMaskedWrite = 3, kTokenWait = 0x80, kAddressPatch = 0x81;

// In words; of a block write without what it writes.
constexpr uint32_t kHeaderWords = 4, kWriteWords = 6, kBlockWords = 4, kMaskedWords = 7, kTokenWords = 4, kPatchWords = 12;

constexpr uint32_t kGeneration = 3;  // XDNA1
constexpr uint32_t kVersion = uint32_t(kRows) << 24 | kGeneration << 16 | 1 << 8;  // 0.1
constexpr uint32_t kArray = 1 << 8 | kColumns;                                     // one row of memory tiles
constexpr uint32_t kOneTile = 1 << 16 | 1 << 8;                                    // a token wait's columns and rows

}  // namespace troika::npu::txn
