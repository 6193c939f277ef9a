// Both sides of the border. For implementations of the plug-in's functions: what they throw becomes what they say. For their
// callers: what they say, which need not end where it should.
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

// What a field holds, which a plug-in need not have ended with a 0.
template <size_t size>
std::string_view text_of(const char (&field)[size]) {
  return {field, size_t(std::find(field, field + size, '\0') - field)};
}

// Ends a field at its size, for whoever reads it as a C string.
template <size_t size>
void end(char (&field)[size]) {
  field[size - 1] = 0;
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
