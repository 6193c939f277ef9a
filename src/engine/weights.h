// Finding the weights that a tape names in the file that should hold them.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "device/device.h"
#include "files/model_file.h"
#include "models/weight_names.h"
#include "ops/program.h"

namespace troika::engine {

// Every weight of the tape, in its order. Throws one Error that names all that are missing or have another shape.
std::vector<models::FoundWeight> find_weights(const files::ModelFile& file, const models::WeightNames& names,
                                              int head_dim, const ops::Program& program);

// What a program does with each weight. What it does not multiply, as a table of which a token reads one row, stays
// where the file is mapped: it comes when it is first used, and the page cache decides what stays.
inline constexpr device::WeightUse kUnused{.multiplied = false, .looked_up = false};
void add_use(device::WeightUse& use, const ops::Op& op);  // of a weight that `op` reads
class WeightUses {
 public:
  explicit WeightUses(const ops::Program& program);  // which outlives this
  device::WeightUse of(std::string_view weight) const;  // neither, where the program has no such weight

 private:
  std::unordered_map<std::string_view, device::WeightUse> uses_;
};

// "the first, the second, …"
std::string first_of(const std::vector<std::string>& all, size_t most, std::string_view separator);

}  // namespace troika::engine
