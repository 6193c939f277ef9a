#include "engine/weights.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"

namespace troika::engine {

void add_use(device::WeightUse& use, const ops::Op& op) {
  (op.kind == ops::OpKind::embed ? use.looked_up : use.multiplied) = true;
}

WeightUses::WeightUses(const ops::Program& program) {
  for (const ops::Op& op : program.ops) {
    for (ops::Tensor t : op.in) {
      if (program[t].role != ops::Role::weight) continue;
      add_use(uses_.try_emplace(program[t].name, kUnused).first->second, op);
    }
  }
}

device::WeightUse WeightUses::of(std::string_view weight) const {
  auto found = uses_.find(weight);
  return found == uses_.end() ? kUnused : found->second;
}

std::string first_of(const std::vector<std::string>& all, size_t most, std::string_view separator) {
  auto end = all.begin() + ptrdiff_t(std::min(most, all.size()));
  return fmt::format("{}{}", fmt::join(all.begin(), end, separator), all.size() > most ? fmt::format("{}…", separator) : "");
}

std::vector<models::FoundWeight> find_weights(const files::ModelFile& file, const models::WeightNames& names,
                                              int head_dim, const ops::Program& program) {
  std::vector<models::FoundWeight> weights;
  std::vector<std::string> problems;  // the first few of them
  size_t wrong = 0;
  auto note = [&](std::string problem) {
    if (++wrong <= 9) problems.push_back(std::move(problem));
  };
  for (const ops::TensorInfo& tensor : program.tensors) {
    if (tensor.role != ops::Role::weight) continue;
    auto found = models::find_weight(file, names, tensor.name, head_dim);
    if (!found) {
      note(models::name_in_file(tensor.name, file.kind(), names) + " is missing");
    } else if (found->view.format == Format::i32) {
      note(found->name + " holds whole numbers (i32), not weights");
    } else if (found->view.shape != tensor.shape) {
      note(fmt::format("{} is {}, expected {}", found->name, to_string(found->view.shape), to_string(tensor.shape)));
    } else {
      weights.push_back(std::move(*found));
    }
  }
  if (wrong > 0) {
    fail("{}: {} of {} weights do not fit: {}", file.path().string(), wrong, wrong + weights.size(),
         first_of(problems, 8, "; "));
  }
  return weights;
}

}  // namespace troika::engine
