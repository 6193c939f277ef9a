#include "npu/txn/gemm_stream.h"

#include "base/error.h"
#include "npu/txn/parameters.h"
#include "npu/txn/shim.h"

namespace troika::npu::txn {
namespace {

constexpr int kInFlight = 2;              // blocks of rows, each with its own descriptors
constexpr int kDescriptorsPerBlock = 3;   // of a column: A, B, C

class Stream {
 public:
  Stream(const GemmDesign& design, const GemmShape& shape)
      : design_(design), tile_(design.tile), blocks_m_(shape.m / tile_.block_m()), blocks_n_(shape.n / tile_.block_n()),
        pairs_(shape.k / tile_.block_k()), steps_(2 * pairs_ + tile_.scale_steps()) {}

  std::vector<uint32_t> make() {
    tell(operations_, design_.spec, design_.parameters, design_.parameter_locks,
         {uint32_t(blocks_m_ * blocks_n_), uint32_t(pairs_)});
    for (int block = 0; block < blocks_m_; ++block) {
      if (block >= kInFlight) wait_for_block();
      start_block(block);
    }
    for (int block = 0; block < std::min(blocks_m_, kInFlight); ++block) wait_for_block();
    return encode(operations_);
  }

 private:
  void start_block(int block) {
    for (int column = 0; column < kColumns; ++column) {
      uint64_t panel_a = uint64_t(steps_) * tile_.a_bytes(), panel_b = uint64_t(steps_) * tile_.b_bytes();
      uint64_t c_of_column = uint64_t(blocks_n_) * kCoreRows * tile_.y_bytes();
      // The memory tile of this column has the row of the same number.
      move(a_name(column), block, 0, (uint64_t(block) * kCoreRows + column) * panel_a, panel_a, blocks_n_, false);
      move(b_name(column), block, 1, uint64_t(column) * blocks_n_ * panel_b, blocks_n_ * panel_b, 1, false);
      move(c_name(column), block, 2, (uint64_t(block) * kColumns + column) * c_of_column, c_of_column, 1, true);
    }
  }

  void move(const std::string& name, int block, int descriptor, uint64_t offset, uint64_t bytes, int repeats, bool token) {
    const ShimSpec& shim = shim_of(design_.spec, name);
    if (offset + bytes > kMostArgument)
      fail("A product whose {} goes beyond 4 GB is too large for one run of the NPU; cut it along M or N.", name);
    Transfer transfer{.port = shim.port, .descriptor = block % kInFlight * kDescriptorsPerBlock + descriptor};
    transfer.argument = uint32_t(shim.argument);
    transfer.offset = uint32_t(offset);
    transfer.words = uint32_t(bytes / 4);
    transfer.repeats = uint32_t(repeats);
    transfer.token = token;
    start(operations_, transfer);
  }

  // The oldest block of rows that is on its way. When its C is in memory, its A and B have been read: their descriptors
  // are free too.
  void wait_for_block() {
    for (int column = 0; column < kColumns; ++column)
      operations_.push_back(TokenWait{shim_of(design_.spec, c_name(column)).port});
  }

  const GemmDesign& design_;
  const GemmTile& tile_;
  int blocks_m_, blocks_n_, pairs_, steps_;
  std::vector<Operation> operations_;
};

}  // namespace

std::vector<uint32_t> gemm_stream(const GemmDesign& design, const GemmShape& shape) {
  require_whole_blocks(design.tile, shape);
  int most = most_n(design.tile);
  if (shape.n > most) fail("A product with N = {} is too large for one run of the NPU; cut it to {}.", shape.n, most);
  return Stream(design, shape).make();
}

}  // namespace troika::npu::txn
