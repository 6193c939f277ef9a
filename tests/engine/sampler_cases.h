// Random requests and rows of logits for tests of the sampler.
#pragma once

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <random>
#include <vector>

#include "engine/request.h"

namespace troika::engine {

// Random requests and logits, the odd ones among them.
class Cases {
 public:
  explicit Cases(int seed) : random_(seed) {}

  template <typename T>
  T one_of(std::initializer_list<T> values) {
    return values.begin()[random_() % values.size()];
  }

  SamplingOptions options(int vocabulary) {
    SamplingOptions o;
    o.temperature = one_of({0.0f, 1e-40f, 0.01f, 0.3f, 0.7f, 1.0f, 1.0f, 1.5f, 5.0f, 100.0f, 1e30f});
    o.top_k = one_of({0, 0, 0, 1, 2, 20, 40, 300, 1024, 1025, 5000, vocabulary, vocabulary + 9});
    o.top_p = one_of({1.0f, 1.0f, 0.0f, 0.1f, 0.5f, 0.8f, 0.9f, 0.95f, 0.999f, 0.9999999f});
    o.min_p = one_of({0.0f, 0.0f, 0.0f, 1e-9f, 0.01f, 0.05f, 0.3f, 1.0f});
    o.typical_p = one_of({1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 0.5f, 0.95f});
    o.seed = random_();
    if (random_() % 4 == 0) {
      o.repetition_penalty = one_of({1.0f, 1.1f, 2.0f, 0.5f});
      o.presence_penalty = one_of({0.0f, 0.5f, -1.0f});
      o.frequency_penalty = one_of({0.0f, 0.7f});
      for (int i = 0; i < 5; ++i) {
        o.logit_bias.push_back({id(vocabulary), one_of({-100.0f, 100.0f, 1.0f, -std::numeric_limits<float>::infinity()})});
      }
    }
    return o;
  }

  std::vector<float> logits(int vocabulary) {
    std::normal_distribution<float> normal(one_of({-30.0f, 0.0f, 10.0f}), one_of({0.0f, 0.01f, 1.0f, 2.0f, 6.0f, 40.0f}));
    std::vector<float> logits(vocabulary);
    for (float& l : logits) l = normal(random_);
    switch (random_() % 8) {
      case 0:  // ties
        for (float& l : logits) l = std::round(l * 2) / 2;
        break;
      case 1:  // a mask of a grammar
        for (float& l : logits) l = random_() % 8 ? -INFINITY : l;
        logits[id(vocabulary)] = 3;
        break;
      case 2:
        for (float& l : logits) l = random_() % 5 ? l : NAN;
        break;
      case 3:
        logits[id(vocabulary)] = one_of({1e30f, INFINITY, -1e38f, 12.0f});
        break;
      case 4:
        if (random_() % 4 == 0) std::fill(logits.begin(), logits.end(), one_of({NAN, -INFINITY, INFINITY, 0.0f, -1e38f}));
        break;
      default: break;
    }
    return logits;
  }

  int32_t id(int vocabulary) { return static_cast<int32_t>(random_() % vocabulary); }

 private:
  std::mt19937 random_;
};

}  // namespace troika::engine
