// What a GPU can do, as plain data: read once from the driver, or from a recorded file in a test.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troika::device::vulkan {

enum class GpuKind : uint8_t { integrated, discrete, virtual_gpu, software, other };

struct MemoryType {
  bool device_local = false, host_visible = false, host_coherent = false, host_cached = false;
  uint64_t heap_bytes = 0;
  bool operator==(const MemoryType&) const = default;
};

// A · B + C on the matrix unit: A of m × k numbers, B of k × n.
struct MatrixShape {
  uint32_t m = 0, n = 0, k = 0;
  bool operator==(const MatrixShape&) const = default;
};

struct Caps {
  std::string name;    // "AMD Radeon 780M (RADV PHOENIX)"
  std::string driver;  // "radv Mesa 25.0.7"
  uint32_t vendor = 0, device = 0;
  uint32_t api_version = 0;  // of Vulkan, as it packs it: 10 bits, 10 bits, 12 bits
  std::string uuid;  // of the device and its driver, in hexadecimal digits: names the cache of pipelines
  GpuKind kind = GpuKind::other;

  bool buffer_addresses = false, storage8 = false, storage16 = false, int8 = false, int16 = false, int64 = false;
  bool scalar_layout = false;  // of structs: members stand as close as in C
  bool subgroup_size_control = false, fast_int8_dot = false;
  bool subgroup_arithmetic = false;  // sums and maxima over a subgroup, in compute shaders
  std::vector<MatrixShape> int8_matrices;  // of int8, summed in int32, by a subgroup whose size can be told; in no order
  std::vector<MatrixShape> half_matrices;  // of halves, summed in float32, likewise; none where shaders cannot compute in halves
  uint32_t subgroup_size = 0, least_subgroup_size = 0, most_subgroup_size = 0;
  uint32_t shared_bytes = 0, push_bytes = 0, workgroup_size = 0;
  uint64_t most_allocation_bytes = 0;
  std::vector<MemoryType> memory;  // by Vulkan's number

  bool operator==(const Caps&) const = default;
};

// Why we cannot compute on it; "": we can.
std::string why_not(const Caps& caps);

// Whether it is known to start the workgroups of a queue in order, so that these may wait for those before them (chain.h): by
// measurement; Vulkan does not promise it.
bool starts_in_order(const Caps& caps);

// "integrated GPU"
std::string_view name_of(GpuKind kind);

// The number of the memory type for what the GPU reads and the host writes (and, if `read_back`, reads); −1: none.
int memory_type(const Caps& caps, uint32_t allowed, bool read_back);

}  // namespace troika::device::vulkan
