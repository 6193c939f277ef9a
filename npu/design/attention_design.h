// Flash attention on one core (kernels/attention.cc): 32 queries of a head of 128, causal, over blocks of 32 keys. It shows
// that a core's memory holds it; no model uses it.
//
//   shim MM2S 0 → Q      shim MM2S 1 → K, V, K, V, …      shim S2MM 0 ← O
//
// The parameter is the number of blocks before the queries' own, which comes last: of its keys a query sees those up to its
// own. Q in A's blocks, K and V in B's (of V the keys are the depth), O comes as bfloat16 in C's blocks.
#pragma once

#include "npu/design/spec.h"

namespace troika::npu {

enum AttentionArgument : int { kAttentionQ, kAttentionKv, kAttentionO };
constexpr int kAttentionRows = 32, kHeadSize = 128;

struct AttentionDesign {
  DesignSpec spec;
  int parameter = 0, parameter_lock = 0;
};

AttentionDesign make_attention_design();

}  // namespace troika::npu
