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

constexpr uint32_t kA = 64 * 64, kB128 = 64 * 128, kB64 = 64 * 64, kC128 = 4 * 64 * 128, kC64 = 4 * 64 * 64;
constexpr uint32_t kPacked128 = 2 * 128 + kB128 / 2;

// Cycles: a store of 32 bytes takes one; 4-bit values come through the vector unit 24 a cycle.
constexpr int64_t kStoreBytes = 32, kUnpackedPerCycle = 24;
// Floats are put together from bfloat16 products: so many cycles for 16 results.
constexpr int64_t kEpilogueCycles = 24, kSiluCycles = 120;

constexpr Argument kZero128[] = {{kC128, Access::write}};
constexpr Argument kZero64[] = {{kC64, Access::write}};
constexpr Argument kProduct128[] = {{kA, Access::read}, {kB128, Access::read}, {kC128, Access::update}};
constexpr Argument kProduct64[] = {{kA, Access::read}, {kB64, Access::read}, {kC64, Access::update}};
constexpr Argument kDequant128[] = {{kPacked128, Access::read}, {kB128, Access::write}};

constexpr Argument kEpilogue128[] = {{4 * 64, Access::read}, {2 * 4 * 128, Access::read}, {kC128, Access::update}};
constexpr Argument kSilu128[] = {{2 * 64 * 128, Access::read}, {2 * 64 * 64, Access::write}};

constexpr Kernel kKernels[] = {
    {"zero_i32_64x128", "zero_i32", kZero128, 0, kC128 / kStoreBytes, Call<zero_i32_64x128>::run},
    {"zero_i32_64x64", "zero_i32", kZero64, 0, kC64 / kStoreBytes, Call<zero_i32_64x64>::run},
    {"mm_i8i8_i32_64x64x128", "mm_i8i8_i32", kProduct128, 64 * 64 * 128, 0, Call<mm_i8i8_i32_64x64x128>::run},
    {"mm_i8i8_i32_64x64x64", "mm_i8i8_i32", kProduct64, 64 * 64 * 64, 0, Call<mm_i8i8_i32_64x64x64>::run},
    {"dequant_w4g64_i8_64x128", "dequant_w4", kDequant128, 0, kB128 / kUnpackedPerCycle, Call<dequant_w4g64_i8_64x128>::run},
    {"epilogue_i32_bf16_64x128", "epilogue", kEpilogue128, 0, 64 * 128 / 16 * kEpilogueCycles,
     Call<epilogue_i32_bf16_64x128>::run},
    {"silu_mul_bf16_64x128", "silu_mul", kSilu128, 0, 64 * 64 / 16 * kSiluCycles, Call<silu_mul_bf16_64x128>::run},
};

}  // namespace

std::span<const Kernel> all() { return kKernels; }

const Kernel* find(std::string_view name) {
  for (const Kernel& kernel : kKernels)
    if (kernel.name == name) return &kernel;
  return nullptr;
}

}  // namespace troika::npu::kernels
