// What a rendering has used and may still use. Everything whose cost depends on the template or on its data
// is charged here before it happens, so that a hostile template ends with a sentence and not with a dead
// server.
#pragma once

#include <cstddef>

#include "base/error.h"
#include "text/chat_template.h"

namespace troika::text::jinja {

// Bounds the stack: nested values (printing and comparing them recurses) and nested syntax.
inline constexpr int kMaxValueDepth = 200;
inline constexpr int kMaxSyntaxDepth = 200;
inline constexpr int kMaxCallDepth = 600;  // nested evaluations, through all macros that are running

class Meter {
 public:
  explicit Meter(const RenderLimits& limits) : limits_(limits) {}

  void step(size_t count = 1) {
    if (count > limits_.steps - steps_) fail("the template runs for more than {} steps", limits_.steps);
    steps_ += count;
  }
  // About to look at `bytes` of text.
  void scan(size_t bytes) { step(1 + bytes / 1024); }
  // About to make a string or list of this size.
  void make(size_t bytes) {
    if (bytes > limits_.memory_bytes - memory_) {
      fail("the template makes more than {} bytes of text and lists", limits_.memory_bytes);
    }
    memory_ += bytes;
  }
  // `count` things of `size` bytes; the product cannot overflow.
  void make(size_t count, size_t size) {
    if (size != 0 && count > limits_.memory_bytes / size) make(limits_.memory_bytes + 1);
    make(count * size);
  }
  const RenderLimits& limits() const { return limits_; }

 private:
  RenderLimits limits_;
  size_t steps_ = 0;
  size_t memory_ = 0;
};

}  // namespace troika::text::jinja
