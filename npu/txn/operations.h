// The instruction stream of a run, "TXN": register writes and a few operations that the NPU's controller carries out in
// order. Layouts are those of mlir-aie's TxnEncoding.h and were compared with a stream that ran on a 7840HS.
//
//   header          rows<<24 | generation<<16 | minor<<8 | major,  memory rows<<8 | columns,  operations,  bytes
//   write           0,       0, register, 0, value, bytes
//   block write     1,       column | row<<8, register, bytes, words …
//   masked write    3,       0, register, 0, value, mask, bytes
//   token wait      0x80,    bytes, direction | row<<8 | column<<16, rows<<8 | columns<<16 | channel<<24
//   address patch   0x81,    bytes, 0, 0, 0, action, register, 0, argument, 0, offset, 0
//
// A register is named by its tile and its address there: column<<25 | row<<20 | address.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "npu/design/spec.h"

namespace troika::npu::txn {

constexpr uint32_t register_of(Tile tile, uint32_t address) {
  return uint32_t(tile.column) << 25 | uint32_t(tile.row) << 20 | address;
}
constexpr Tile tile_of(uint32_t reg) { return {int(reg >> 25), int(reg >> 20 & 31)}; }
constexpr uint32_t address_of(uint32_t reg) { return reg & 0xfffff; }

struct Write {
  uint32_t reg = 0, value = 0;
  bool operator==(const Write&) const = default;
};
struct BlockWrite {
  uint32_t reg = 0;
  std::vector<uint32_t> words;
  bool operator==(const BlockWrite&) const = default;
};
struct MaskedWrite {
  uint32_t reg = 0, value = 0, mask = 0;
  bool operator==(const MaskedWrite&) const = default;
};
// Waits until `port` has said once more that a task is done.
struct TokenWait {
  Port port;
  bool operator==(const TokenWait&) const = default;
};
// Puts the address of an argument's byte `offset` into two registers, low word first.
struct AddressPatch {
  uint32_t reg = 0, argument = 0, offset = 0;
  bool operator==(const AddressPatch&) const = default;
};
using Operation = std::variant<Write, BlockWrite, MaskedWrite, TokenWait, AddressPatch>;

std::vector<uint32_t> encode(std::span<const Operation> operations);

// Throws Error that tells the first word that is not understood.
std::vector<Operation> decode(std::span<const uint32_t> words);

// A line an operation, for people.
std::string to_text(const Operation& operation);

}  // namespace troika::npu::txn
