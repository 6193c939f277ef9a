#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "npu/txn/codes.h"
#include "npu/txn/operations.h"

namespace troika::npu::txn {
namespace {

class Decoder {
 public:
  explicit Decoder(std::span<const uint32_t> words) : words_(words) {}

  std::vector<Operation> run() {
    if (words_.size() < kHeaderWords) fail("An instruction stream of {} words is cut short: its header has 4.", words_.size());
    if (words_[0] != kVersion || words_[1] != kArray)
      fail("An instruction stream begins with {:#x} {:#x}, expected {:#x} {:#x}: it is for another NPU.", words_[0],
           words_[1], kVersion, kArray);
    if (words_[3] != 4 * words_.size())
      fail("An instruction stream says that it has {} bytes, but there are {}.", words_[3], 4 * words_.size());
    std::vector<Operation> operations;
    for (at_ = kHeaderWords; at_ < words_.size(); at_ += length_) operations.push_back(next());
    if (operations.size() != words_[2])
      fail("An instruction stream says that it has {} operations, but there are {}.", words_[2], operations.size());
    return operations;
  }

 private:
  Operation next() {
    switch (word(0)) {
      case kWrite: take(kWriteWords, 5, {1, 3}); return Write{word(2), word(4)};
      case kBlockWrite: return block_write();
      case kMaskedWrite: take(kMaskedWords, 6, {1, 3}); return MaskedWrite{word(2), word(4), word(5)};
      case kTokenWait: return token_wait();
      case kAddressPatch:
        take(kPatchWords, 1, {2, 3, 4, 5, 7, 9, 11});
        return AddressPatch{word(6), word(8), word(10)};
      default: fail("Word {} of an instruction stream, {:#x}, is no operation that we know.", at_, word(0));
    }
  }

  Operation block_write() {
    if (left() < kBlockWords) cut_short();
    uint32_t bytes = word(3);
    if (bytes % 4 || bytes < 4 * kBlockWords || bytes / 4 > left()) cut_short();
    take(bytes / 4, 3, {});
    // The tile may be said a second time in word 1; its place in the register's address is what counts.
    return BlockWrite{word(2), {words_.begin() + at_ + kBlockWords, words_.begin() + at_ + length_}};
  }

  Operation token_wait() {
    take(kTokenWords, 1, {});
    uint32_t where = word(2), what = word(3);
    if ((what & 0xffffff) != kOneTile || (where & 0xff) > 1)
      fail("Word {} of an instruction stream waits for tokens of more than one channel.", at_);
    Tile tile{int(where >> 16), int(where >> 8 & 0xff)};
    return TokenWait{{tile, where & 1 ? Direction::mm2s : Direction::s2mm, int(what >> 24)}};
  }

  size_t left() const { return words_.size() - at_; }
  uint32_t word(size_t i) const { return words_[at_ + i]; }
  [[noreturn]] void cut_short() const { fail("The operation at word {} of an instruction stream is cut short.", at_); }

  // An operation of `length` words, that says so in one of them and has nothing in others.
  void take(uint32_t length, uint32_t size_word, std::initializer_list<uint32_t> empty) {
    if (left() < length) cut_short();
    if (word(size_word) != 4 * length)
      fail("The operation at word {} of an instruction stream says {} bytes, expected {}.", at_, word(size_word), 4 * length);
    for (uint32_t i : empty)
      if (word(i) != 0) fail("Word {} of an instruction stream is {:#x}, expected nothing.", at_ + i, word(i));
    length_ = length;
  }

  std::span<const uint32_t> words_;
  size_t at_ = 0, length_ = 0;
};

struct Text {
  static std::string reg(uint32_t r) { return fmt::format("{}+{:#x}", npu::to_text(tile_of(r)), address_of(r)); }

  std::string operator()(const Write& w) { return fmt::format("write {} = {:#x}", reg(w.reg), w.value); }
  std::string operator()(const BlockWrite& w) { return fmt::format("write {} = {:#x}", reg(w.reg), fmt::join(w.words, " ")); }
  std::string operator()(const MaskedWrite& w) {
    return fmt::format("write {} = {:#x} in {:#x}", reg(w.reg), w.value, w.mask);
  }
  std::string operator()(const TokenWait& w) { return fmt::format("wait for {}", npu::to_text(w.port)); }
  std::string operator()(const AddressPatch& p) {
    return fmt::format("write {} = address of argument {} + {:#x}", reg(p.reg), p.argument, p.offset);
  }
};

}  // namespace

std::vector<Operation> decode(std::span<const uint32_t> words) { return Decoder(words).run(); }

std::string to_text(const Operation& operation) { return std::visit(Text{}, operation); }

}  // namespace troika::npu::txn
