#include "npu/txn/shim.h"

#include "base/error.h"
#include "npu/design/hardware.h"

namespace troika::npu::txn {
namespace {

constexpr int kSizeBits = kShimLimits.size_bits, kStrideBits = kShimLimits.stride_bits;

constexpr uint32_t kBurst = 2u << 30;  // the longest
constexpr uint32_t kCache = 2u << 24;  // may be gathered on the way: a fifth faster where it was measured
constexpr uint32_t kValid = 1u << 25;

// A field of `bits` at `shift`.
uint32_t field(const char* name, uint64_t value, int bits, int shift) {
  check(value < uint64_t{1} << bits, fmt::format("{} of a transfer, {}, has {} bits", name, value, bits));
  return uint32_t(value) << shift;
}

constexpr uint32_t take(uint32_t word, int bits, int shift) { return word >> shift & ((uint32_t{1} << bits) - 1); }

std::vector<uint32_t> descriptor_words(const Transfer& t) {
  return {t.words,
          t.offset,
          0,
          field("size 0", t.size0, kSizeBits, 20) | field("stride 0", t.stride[0] - 1, kStrideBits, 0),
          kBurst | field("size 1", t.size1, kSizeBits, 20) | field("stride 1", t.stride[1] - 1, kStrideBits, 0),
          kCache | field("stride 2", t.stride[2] - 1, kStrideBits, 0),
          field("iterations", t.iterations - 1, 6, 20) | field("iteration stride", t.iteration_stride - 1, kStrideBits, 0),
          kValid};
}

}  // namespace

void start(std::vector<Operation>& stream, const Transfer& t) {
  uint32_t descriptor = register_of(t.port.tile, descriptor_of(t.descriptor));
  stream.push_back(BlockWrite{descriptor, descriptor_words(t)});
  stream.push_back(AddressPatch{descriptor + 4, t.argument, t.offset});
  if (t.token) stream.push_back(MaskedWrite{register_of(t.port.tile, control_of(t.port)), kTokenRoute, kTokenRouteMask});
  uint32_t task = field("repeats", t.repeats - 1, 8, 16) | field("descriptor", t.descriptor, 4, 0);
  stream.push_back(Write{register_of(t.port.tile, queue_of(t.port)), task | (t.token ? kTaskToken : 0)});
}

Descriptor read_descriptor(std::span<const uint32_t, kShimDescriptorWords> w) {
  Descriptor d;
  d.words = w[0];
  d.address = uint64_t{take(w[2], 16, 0)} << 32 | w[1];
  d.size0 = take(w[3], kSizeBits, 20);
  d.size1 = take(w[4], kSizeBits, 20);
  d.stride = {take(w[3], kStrideBits, 0) + 1, take(w[4], kStrideBits, 0) + 1, take(w[5], kStrideBits, 0) + 1};
  d.iterations = take(w[6], 6, 20) + 1;
  d.iteration_stride = take(w[6], kStrideBits, 0) + 1;
  d.valid = w[7] & kValid;
  d.plain = !(w[2] >> 16) && !(w[7] & ~kValid);
  return d;
}

}  // namespace troika::npu::txn
