// Several measurements of one thing.
#pragma once

#include <vector>

namespace troika::apps {

struct Spread {
  std::vector<double> runs;  // in order of time; at least one

  double median() const;
  double least() const;
  double most() const;
};

}  // namespace troika::apps
