// How things go wrong (style: three kinds of error). `fail` is for a wrong world: one sentence that names the
// thing and the cure. `check` is for our own broken invariants. Ordinary outcomes are returned, never thrown.
#pragma once

#include <fmt/format.h>

#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace troika {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A broken invariant: nothing the user did. A server answers 500, not 400.
class InternalError : public Error {
 public:
  using Error::Error;
};

// Throws Error with the formatted sentence.
template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

[[noreturn]] void broken_invariant(std::string_view what, std::source_location where);

// A broken invariant is our own mistake; it throws too, with the place, so that a server survives it.
inline void check(bool holds, std::string_view what,
                  std::source_location where = std::source_location::current()) {
  if (!holds) [[unlikely]] broken_invariant(what, where);
}

}  // namespace troika
