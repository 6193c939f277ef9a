#include "npu/txn/codes.h"
#include "npu/txn/operations.h"

namespace troika::npu::txn {
namespace {

struct Encoder {
  std::vector<uint32_t>& out;

  void add(std::initializer_list<uint32_t> words) { out.insert(out.end(), words); }

  void operator()(const Write& w) { add({kWrite, 0, w.reg, 0, w.value, 4 * kWriteWords}); }
  void operator()(const BlockWrite& w) {
    add({kBlockWrite, 0, w.reg, 4 * uint32_t(kBlockWords + w.words.size())});
    out.insert(out.end(), w.words.begin(), w.words.end());
  }
  void operator()(const MaskedWrite& w) { add({kMaskedWrite, 0, w.reg, 0, w.value, w.mask, 4 * kMaskedWords}); }
  void operator()(const TokenWait& wait) {
    const Port& port = wait.port;
    uint32_t direction = port.direction == Direction::mm2s;
    add({kTokenWait, 4 * kTokenWords, uint32_t(port.tile.column) << 16 | uint32_t(port.tile.row) << 8 | direction,
         uint32_t(port.channel) << 24 | kOneTile});
  }
  void operator()(const AddressPatch& p) {
    add({kAddressPatch, 4 * kPatchWords, 0, 0, 0, 0, p.reg, 0, p.argument, 0, p.offset, 0});
  }
};

}  // namespace

std::vector<uint32_t> encode(std::span<const Operation> operations) {
  std::vector<uint32_t> out(kHeaderWords);
  Encoder encoder{out};
  for (const Operation& operation : operations) std::visit(encoder, operation);
  out[0] = kVersion;
  out[1] = kArray;
  out[2] = uint32_t(operations.size());
  out[3] = uint32_t(4 * out.size());
  return out;
}

}  // namespace troika::npu::txn
