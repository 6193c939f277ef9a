// Every operation in plain, double-summing code: the definition that each device's kernels are tested against.
#pragma once

#include <span>
#include <vector>

#include "ops/program.h"
#include "ops/step_inputs.h"
#include "tensor/format.h"

namespace troika::ops {

// What a cache in `format` holds, in float32: keys [pages, G, D, P], values [pages, G, P, D], rotated where it rotates
// (tensor/rotation.h) and rounded as it rounds.
struct ReferenceCache {
  float* keys = nullptr;
  float* values = nullptr;
  Format format = Format::f32;
};

// Where an op finds its tensors: float32, by tensor id (weights unpacked), and the caches by number.
struct ReferenceStorage {
  std::span<float* const> tensors;
  std::span<const ReferenceCache> caches;
};

// Live rows of a tensor in this step.
int live_rows(const TensorInfo& tensor, const StepInputs& inputs);

// Runs one op on its live rows. Single-threaded.
void run_reference(const Program& program, const Op& op, const StepInputs& inputs, const ReferenceStorage& storage);

// The orthonormal Hadamard transform of every `size` values that follow each other; size is a power of two, or 0: none.
std::vector<float> rotated(std::span<const float> x, int size);

double activate(Activation act, double x);

}  // namespace troika::ops
