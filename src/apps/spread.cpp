#include "apps/spread.h"

#include <algorithm>

namespace troika::apps {

double Spread::median() const {
  std::vector<double> sorted = runs;
  std::sort(sorted.begin(), sorted.end());
  size_t middle = sorted.size() / 2;
  return sorted.size() % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

double Spread::least() const { return *std::min_element(runs.begin(), runs.end()); }
double Spread::most() const { return *std::max_element(runs.begin(), runs.end()); }

}  // namespace troika::apps
