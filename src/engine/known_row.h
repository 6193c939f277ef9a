// The beginning of a row of logits: a device found the most likely tokens, and what it did not list comes behind them. It
// leads to the choice that the whole row leads to, or to none.
//
// Penalties and masks are applied to what is listed. They make nothing more likely, so the others stay behind the last
// token of the list; tokens above it stand where they stand in the whole row.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "device/device.h"
#include "engine/logit_row.h"
#include "engine/request.h"

namespace troika::engine {

class KnownRow {
 public:
  KnownRow();

  // Begins with no token; of `top` counts what no other token is above.
  void clear(const device::TopLogits& top);
  void add(int32_t id, float logit) { tokens_.push_back({id, logit, 0}); }

  // When all are added: the row's most likely token, unless that may be another one or its logit is no finite number.
  std::optional<int32_t> best() const;

  // Where there is a best one: leaves tokens with weight that are surely more likely than all that are not here.
  void scale_by(float temperature);
  size_t size() const { return tokens_.size(); }
  bool has_all() const { return others_ <= kernels::kNegligible; }  // that have weight

  // How many of these top_p and min_p leave of the row, if they leave no others. `sum`: of the row's weights, as a device
  // adds them up.
  std::optional<size_t> count_kept(const SamplingOptions& options, float sum) const;
  void keep(size_t count) { tokens_.resize(count); }

  // The row without its blocks that have none of these tokens: weights, their sums and draws are those of a row in which
  // only these were kept.
  std::span<const float> lay_out();
  int32_t id_of(int32_t place) const;  // in that row

 private:
  struct Token {
    int32_t id;
    float logit, x;  // x as in LogitRow
  };
  float scaled(float logit) const { return (logit - scale_.largest) * scale_.factor; }

  std::vector<Token> tokens_;
  float bound_ = 0;   // no other token has a larger logit
  float others_ = 0;  // nor a larger x
  kernels::LogitScale scale_{};
  std::vector<float> row_;
  std::vector<int32_t> blocks_;  // which they are in the whole row
};

}  // namespace troika::engine
