// What a model's steps take at the least: bytes of weights and of the cache, operations by kind. Counted from the
// model's own tape and the formats that its weights are loaded in, so that it holds for every family.
#pragma once

#include <vector>

#include "apps/bench_report.h"
#include "apps/model_options.h"

namespace troika::apps {

class Work {
 public:
  // Reads the file's header and no weight.
  explicit Work(const ModelOptions& options);

  // A prompt of `tokens` behind `depth` tokens that are in the cache; the logits of its last token are computed.
  Cost prompt(int tokens, int depth) const;
  // One step in which each of `users` sequences, all at position `depth`, gets a token.
  Cost step(int users, int depth) const;

  // Bytes of keys and values that a token leaves in the cache, if every layer keeps them.
  double cache_bytes_per_token() const { return cache_bytes_per_token_; }
  bool has_windows() const { return has_windows_; }

 private:
  struct Attention {
    double operations, bytes;  // for each position that a token looks at
    int window;                // 0: it looks at all
    double positions(int position) const;
  };
  Cost attention(int position) const;

  Cost per_token_, per_output_;  // without attention; bytes: of what a step reads once for all
  std::vector<Attention> attention_;
  double cache_bytes_per_token_ = 0;
  bool has_windows_ = false;
};

}  // namespace troika::apps
