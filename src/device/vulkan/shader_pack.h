// The shaders of shaders/, compiled when Troika is built.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace troika::device::vulkan {

struct Shader {
  std::string_view name;
  std::span<const uint32_t> words;
};
std::span<const Shader> all_shaders();

// SPIR-V by name: "rms_norm", "linear.q4_k". Empty: there is none of this name.
std::span<const uint32_t> find_shader(std::string_view name);

// Of shaders/quant/<format>.glsl, in shaders that are told the format by a constant (shaders/any_format.cmake).
uint32_t format_number(std::string_view format);

}  // namespace troika::device::vulkan
