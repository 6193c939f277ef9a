// How large a model is, told by its tape alone: the tape names every weight with its shape and every cache. No file
// is opened and no memory is touched, so a config.json is enough.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "ops/program.h"
#include "tensor/format.h"

namespace troika::plan {

using Formats = std::map<std::string, Format, std::less<>>;  // of weights, by name

// Counts of weights' values; a tensor that serves twice (a tied head) counts once, of one that is read in part (a
// slice) that part.
struct Parameters {
  int64_t total = 0;
  int64_t looked_up = 0;  // in tables of which a token reads one row: embeddings that are not also the head
  int64_t head = 0;       // of the matrix that makes the logits
};
Parameters parameters(const ops::Program& program);

// The formats that models are commonly published in.
enum class Recipe : uint8_t {
  bf16,    // as trained
  q8_0,    // GGUF's Q8_0: every matrix in q8_0
  q4_k_m,  // GGUF's Q4_K_M: q4_k, with q6_k for the head, and for half of the values and of the MLPs' second matrices
};
inline constexpr Recipe kRecipes[] = {Recipe::bf16, Recipe::q8_0, Recipe::q4_k_m};
std::string_view name_of(Recipe recipe);  // "bf16", "Q8_0", "Q4_K_M"

// The formats and bytes of all weights. In the block recipes vectors stay f32 and a tower is f16, as GGUF files have them.
enum class Part : uint8_t { decoder, tower };
Formats formats_of(const ops::Program& program, Recipe recipe, Part part = Part::decoder);
size_t weight_bytes(const ops::Program& program, Recipe recipe, Part part = Part::decoder);

// Bytes of the keys and values that stay in the cache after `tokens` tokens of one text: all of them or, of layers
// with a window, the window and a page.
size_t cache_bytes(const ops::Program& program, Format format, int tokens);
size_t cache_bytes(const ops::Program& program, const ops::CacheInfo& cache, Format format, int tokens);  // of one layer

}  // namespace troika::plan
