#include "npu/kernels/catalogue.h"

#include "npu/kernels/kernels.h"

namespace troika::npu::kernels {
namespace {

// Calls a kernel with buffers in place of its pointers.
template <auto kernel>
struct Call;
template <typename... Pointers, void (*kernel)(Pointers...)>
struct Call<kernel> {
  static void run(std::span<std::byte* const> buffers) { with(buffers, std::index_sequence_for<Pointers...>{}); }
  template <size_t... i>
  static void with(std::span<std::byte* const> buffers, std::index_sequence<i...>) {
    kernel(reinterpret_cast<Pointers>(buffers[i])...);
  }
};

constexpr Argument in(uint32_t bytes) { return {bytes, Access::read}; }
constexpr Argument out(uint32_t bytes) { return {bytes, Access::write}; }
constexpr Argument in_out(uint32_t bytes) { return {bytes, Access::update}; }

// Arguments by their bytes.
template <uint32_t c>
constexpr Argument kZero[] = {out(c)};
template <uint32_t a, uint32_t b, uint32_t c>
constexpr Argument kProduct[] = {in(a), in(b), in_out(c)};
template <uint32_t a, uint32_t b, uint32_t to>
constexpr Argument kJoin[] = {in(a), in(b), out(to)};
template <uint32_t from, uint32_t to>
constexpr Argument kPass[] = {in(from), out(to)};

// Cycles: a store of 32 bytes takes one; 4-bit values come through the vector unit 24 a cycle.
constexpr int64_t kStoreBytes = 32, kUnpackedPerCycle = 24;
// Products of the matrix unit a cycle.
constexpr int64_t kInt8 = 256, kInt16 = 128, kBf16 = 128;
// Floats are put together from bfloat16 products: so many cycles for 16 results.
constexpr int64_t kEpilogueCycles = 24, kGateCycles = 120, kNormCycles = 30, kSoftmaxCycles = 150, kRopeCycles = 40;

// Attention of 32 queries of a head of 128.
constexpr uint32_t kStats = 4 * 8 * 2 * 16, kO = 4 * 32 * 128;
constexpr Argument kBegin[] = {out(kStats), out(kO)};
constexpr Argument kWeigh[] = {in(4 * 32 * 32), in_out(kStats), out(2 * 32 * 32), in_out(kO)};
constexpr Argument kEnd[] = {in(kStats), in_out(kO)};
constexpr int64_t kScaleCycles = 8, kWeighCycles = 32 * 32 / 16 * kSoftmaxCycles / 2 + 32 * 128 / 16 * kScaleCycles;

constexpr Kernel kKernels[] = {
    {"zero_i32_64x128", "zero_i32", kZero<4 * 64 * 128>, 0, 4 * 64 * 128 / kStoreBytes, Call<zero_i32_64x128>::run},
    {"zero_i32_64x64", "zero_i32", kZero<4 * 64 * 64>, 0, 4 * 64 * 64 / kStoreBytes, Call<zero_i32_64x64>::run},
    {"zero_i32_96x96", "zero_i32", kZero<4 * 96 * 96>, 0, 4 * 96 * 96 / kStoreBytes, Call<zero_i32_96x96>::run},
    {"zero_i32_32x32", "zero_i32", kZero<4 * 32 * 32>, 0, 4 * 32 * 32 / kStoreBytes, Call<zero_i32_32x32>::run},
    {"zero_i32_4x128", "zero_i32", kZero<4 * 4 * 128>, 0, 4 * 4 * 128 / kStoreBytes, Call<zero_i32_4x128>::run},
    {"zero_i32_4x64", "zero_i32", kZero<4 * 4 * 64>, 0, 4 * 4 * 64 / kStoreBytes, Call<zero_i32_4x64>::run},
    {"mm_i8i8_i32_64x64x128", "mm_i8i8_i32", kProduct<64 * 64, 64 * 128, 4 * 64 * 128>, 64 * 64 * 128 / kInt8, 0,
     Call<mm_i8i8_i32_64x64x128>::run},
    {"mm_i8i8_i32_64x64x64", "mm_i8i8_i32", kProduct<64 * 64, 64 * 64, 4 * 64 * 64>, 64 * 64 * 64 / kInt8, 0,
     Call<mm_i8i8_i32_64x64x64>::run},
    {"mm_i8i8_i32_4x64x128", "mm_i8i8_i32", kProduct<4 * 64, 64 * 128, 4 * 4 * 128>, 4 * 64 * 128 / kInt8, 0,
     Call<mm_i8i8_i32_4x64x128>::run},
    {"mm_i8i8_i32_4x64x64", "mm_i8i8_i32", kProduct<4 * 64, 64 * 64, 4 * 4 * 64>, 4 * 64 * 64 / kInt8, 0,
     Call<mm_i8i8_i32_4x64x64>::run},
    {"mm_i16i8_i32_64x64x64", "mm_i16i8_i32", kProduct<2 * 64 * 64, 64 * 64, 4 * 64 * 64>, 64 * 64 * 64 / kInt16, 0,
     Call<mm_i16i8_i32_64x64x64>::run},
    {"mm_bf16_f32_64x32x64", "mm_bf16_f32", kProduct<2 * 64 * 32, 2 * 32 * 64, 4 * 64 * 64>, 64 * 32 * 64 / kBf16, 0,
     Call<mm_bf16_f32_64x32x64>::run},
    {"mm_bf16_f32_96x32x96", "mm_bf16_f32", kProduct<2 * 96 * 32, 2 * 32 * 96, 4 * 96 * 96>, 96 * 32 * 96 / kBf16, 0,
     Call<mm_bf16_f32_96x32x96>::run},
    {"mm_bf16_f32_32x128x32", "mm_bf16_f32", kProduct<2 * 32 * 128, 2 * 128 * 32, 4 * 32 * 32>, 32 * 128 * 32 / kBf16, 0,
     Call<mm_bf16_f32_32x128x32>::run},
    {"mm_bf16_f32_32x32x128", "mm_bf16_f32", kProduct<2 * 32 * 32, 2 * 32 * 128, 4 * 32 * 128>, 32 * 32 * 128 / kBf16, 0,
     Call<mm_bf16_f32_32x32x128>::run},
    {"dequant_w4g64_i8_64x128", "dequant_w4", kPass<2 * 128 + 64 * 128 / 2, 64 * 128>, 0, 64 * 128 / kUnpackedPerCycle,
     Call<dequant_w4g64_i8_64x128>::run},
    {"epilogue_i32_bf16_64x128", "epilogue", kProduct<4 * 64, 2 * 4 * 128, 4 * 64 * 128>, 0, 64 * 128 / 16 * kEpilogueCycles,
     Call<epilogue_i32_bf16_64x128>::run},
    {"silu_mul_bf16_64x128", "gate_mul", kPass<2 * 64 * 128, 2 * 64 * 64>, 0, 64 * 64 / 16 * kGateCycles,
     Call<silu_mul_bf16_64x128>::run},
    {"gelu_mul_bf16_64x128", "gate_mul", kPass<2 * 64 * 128, 2 * 64 * 64>, 0, 64 * 64 / 16 * kGateCycles,
     Call<gelu_mul_bf16_64x128>::run},
    {"rms_norm_bf16_3584", "rms_norm", kJoin<2 * 3584, 4 * (3584 + 8), 2 * 3584>, 0, 3584 / 16 * kNormCycles,
     Call<rms_norm_bf16_3584>::run},
    {"softmax_bf16_2048", "softmax", kPass<2 * 2048, 2 * 2048>, 0, 2048 / 16 * kSoftmaxCycles, Call<softmax_bf16_2048>::run},
    {"rope_bf16_32x128", "rope", kPass<2 * 32 * 128 + 4 * 128, 2 * 32 * 128>, 0, 32 * 128 / 16 * kRopeCycles,
     Call<rope_bf16_32x128>::run},
    {"attention_begin_32x128", "attention", kBegin, 0, 4 * 32 * 128 / kStoreBytes, Call<attention_begin_32x128>::run},
    {"attention_weigh_32x32", "attention", kWeigh, 0, kWeighCycles, Call<attention_weigh_32x32>::run},
    {"attention_weigh_causal_32x32", "attention", kWeigh, 0, kWeighCycles, Call<attention_weigh_causal_32x32>::run},
    {"attention_end_32x128", "attention", kEnd, 0, 32 * 128 / 16 * kScaleCycles, Call<attention_end_32x128>::run},
};

}  // namespace

std::span<const Kernel> all() { return kKernels; }

const Kernel* find(std::string_view name) {
  for (const Kernel& kernel : kKernels)
    if (kernel.name == name) return &kernel;
  return nullptr;
}

}  // namespace troika::npu::kernels
