// The operations that troika bench ops measures, one row each: what the tape of each is, what it costs at the least.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/bench_report.h"
#include "apps/bench_tape.h"
#include "tensor/format.h"

namespace troika::apps {

// What all cases are made of. The width of a model's rows is `columns`; heads are 128 wide, four query heads share one
// of keys and values.
struct OpShapes {
  int out = 4096, columns = 4096;  // of a weight
  std::vector<int> rows{1, 4, 8, 32, 512};
  std::vector<int> depths{512, 8192};  // of attention
  Format cache = Format::f16;
  std::string device = "cpu";  // that multiplies
  std::string isa;             // of the CPU's kernels; "": the fastest
  size_t rotated_bytes = 0;  // weights and caches are copied until they take so much
};

// "4096x11008": rows of the weight, then its columns. Throws Error.
void read_shape(const std::string& text, OpShapes& shapes);

struct OpCase {
  std::string op;      // "linear"
  std::string detail;  // the format, the activation, …; "": none
  std::string shape;   // "4096x4096", "32 heads of 128, depth 512"
  TapeCase tape;
  Cost cost;              // at the least; nothing where all stays in the cache
  double moved_bytes = 0; // read and written by a call, wherever they lie
};

// A matrix [rows, columns] to measure with, in memory of its own: its values do not matter, but are ordinary numbers.
// Throws Error when its blocks do not divide the columns.
WeightView random_weight(std::string name, Format format, const Shape& shape, uint32_t seed);

// Of one format; `weights`, one for each copy of tape.copies, live longer than the cases.
int linear_copies(Format format, const OpShapes& shapes);
std::vector<OpCase> linear_cases(Format format, const OpShapes& shapes, const PreparedWeights& weights);

std::vector<OpCase> attention_cases(const OpShapes& shapes);   // a prompt, a token, eight users, at each depth
std::vector<OpCase> norm_cases(const OpShapes& shapes);        // rms_norm, add_norm, layer_norm
std::vector<OpCase> rope_cases(const OpShapes& shapes);
std::vector<OpCase> activation_cases(const OpShapes& shapes);  // gated, act, softcap

}  // namespace troika::apps
