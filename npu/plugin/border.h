// For implementations of the plug-in's functions: what they throw becomes what they say.
#pragma once

#include <algorithm>
#include <exception>
#include <string_view>
#include <system_error>

#include "npu/plugin/abi.h"

namespace troika::npu::abi {

template <size_t size>
void put(char (&field)[size], std::string_view text) {
  field[text.copy(field, size - 1)] = 0;
}

inline void say(Why* why, int32_t code, std::string_view text) {
  why->code = code;
  put(why->text, text);
}

// What `f` returns, or `failed`.
template <typename T, typename F>
T guarded(Why* why, T failed, F f) {
  try {
    return f();
  } catch (const std::system_error& error) {
    say(why, error.code().value(), error.what());
  } catch (const std::exception& error) {
    say(why, 0, error.what());
  } catch (...) {
    say(why, 0, "an exception that says nothing");
  }
  return failed;
}

}  // namespace troika::npu::abi
