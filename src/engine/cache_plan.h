// The cache's number format, and how its memory is shared out: how
// long a context is offered, and how many pages each page group gets.
// Arithmetic on plain data.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "tensor/format.h"

namespace troika::engine {

// What --kv names: f16, f32, q8_0 or q4_0. Throws Error for another, and where a head's D values do not fill its blocks.
Format cache_format(std::string_view name, int head_dim);

struct CacheDemand {
  std::span<const int> windows;        // by page group; 0: all positions are kept
  std::span<const size_t> page_bytes;  // by page group: a page of all its layers
  int model_context = 0;               // tokens that the model was made for
  int context = 0;                     // tokens asked for; 0: as many as memory allows
  size_t bytes = 0;                    // memory asked for; 0: chosen here
  size_t available = 0;                // free memory
  int sequences = 64;                  // that ever run at once
  int step_tokens = 512;               // of one sequence that are computed at once
};

struct CachePlan {
  int context = 0;         // tokens that one sequence may have
  std::vector<int> pages;  // by page group; at least what one sequence of `context` holds
  size_t bytes = 0;
};

// Unless memory is asked for: half a gigabyte, or more where a context of 8192 needs it, but no more than a quarter of
// what is free. A group with a window gets room for several sequences first, since there every sequence takes a
// whole window and short ones nearly as much; the rest of the memory makes the context long.
CachePlan plan_cache(const CacheDemand& demand);

}  // namespace troika::engine
