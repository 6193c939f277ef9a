// The kernels as a design names them: what each takes, and how much work it is. One row a kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace troika::npu::kernels {

enum class Access { read, write, update };

struct Argument {
  uint32_t bytes = 0;
  Access access = Access::read;
};

struct Kernel {
  std::string_view name;
  std::string_view source;  // the file here, without .cc: one object for the cores
  std::span<const Argument> arguments;
  int64_t matrix_cycles = 0;  // on the matrix unit, at its peak
  int64_t vector_cycles = 0;  // of the rest: estimates, nothing here was measured
  void (*run)(std::span<std::byte* const> buffers);
};

std::span<const Kernel> all();
const Kernel* find(std::string_view name);  // null: there is none of that name

}  // namespace troika::npu::kernels
