#include "apps/plan_sizes.h"

#include <algorithm>
#include <climits>
#include <iterator>
#include <set>

#include "base/error.h"
#include "device/cpu/compiler.h"
#include "device/cpu/repack.h"
#include "engine/kv_pages.h"
#include "engine/weights.h"
#include "plan/footprint.h"
#include "plan/memory.h"

namespace troika::apps {
namespace {

constexpr int kUsualContext = 8192;
constexpr int kLargestBucket = engine::kBuckets[std::size(engine::kBuckets) - 1];

// Tensors of the file of which a token reads one row: they stay where the file is mapped.
std::set<std::string> tables(const Subject& s) {
  engine::WeightUses uses(s.program);
  std::set<std::string> names;
  for (const ops::TensorInfo& tensor : s.program.tensors) {
    if (tensor.role != ops::Role::weight || uses.of(tensor.name).multiplied) continue;
    try {
      auto found = models::find_weight(*s.model.file, s.model.architecture->names, tensor.name, s.model.spec.head_dim);
      if (found) names.insert(found->name);
    } catch (const Error&) {  // of a type that has no panels either
    }
  }
  return names;
}

// Of a matrix, or of the experts' that are stacked in one tensor, in panels; 0: it has none.
size_t packed_bytes(const files::TensorEntry& tensor, const ModelOptions& o) {
  std::vector<int64_t> shape = tensor.shape;
  if (shape.size() == 2) shape.insert(shape.begin(), 1);
  bool usual = std::all_of(shape.begin(), shape.end(), [](int64_t n) { return n > 0 && n <= INT_MAX; });
  if (!tensor.format || shape.size() != 3 || !usual) return 0;
  engine::EngineOptions options = o.engine_options();
  auto arithmetic = device::cpu::arithmetic_of(kernels::kernel_table(options.isa), *tensor.format, options.float32);
  return size_t(shape[0]) * device::cpu::packed_bytes(*tensor.format, arithmetic, int(shape[1]), int(shape[2]));
}

// As loading does it, tensor by tensor in the order of the file.
LoadedSize loaded_file(const Subject& s, const ModelOptions& o, size_t available) {
  device::cpu::RepackBudget budget(available);
  std::set<std::string> unpacked = tables(s);
  LoadedSize loaded;
  for (const files::TensorEntry& tensor : s.model.file->tensors()) {
    size_t panels = o.no_repack || unpacked.contains(tensor.name) ? 0 : packed_bytes(tensor, o);
    bool packed = panels > 0 && budget.take(panels);
    loaded.bytes += packed ? panels : tensor.bytes;
    if (panels > 0 && !packed) loaded.in_place += tensor.bytes;
  }
  return loaded;
}

// Panels of the recipes' formats are as large as the file. Tables stay out; of the values they have a known share.
LoadedSize loaded_recipe(const Subject& s, const ModelOptions& o, const WeightSize& weights, size_t available) {
  plan::Parameters count = plan::parameters(s.program);
  auto tables = size_t(double(weights.bytes) * double(count.looked_up) / double(count.total));
  size_t room = device::cpu::RepackBudget(available).room(), panels = weights.bytes - tables;
  return {weights.bytes, o.no_repack ? 0 : panels - std::min(panels, room)};
}

}  // namespace

std::vector<WeightSize> weight_sizes(const Subject& s) {
  if (s.has_weights()) return {{"file", s.model.file->bytes()}};
  std::vector<WeightSize> sizes;
  for (plan::Recipe recipe : plan::kRecipes) {
    size_t tower = s.tower ? plan::weight_bytes(s.tower_program, recipe, plan::Part::tower) : 0;
    sizes.push_back({std::string(name_of(recipe)), plan::weight_bytes(s.program, recipe) + tower});
  }
  return sizes;
}

LoadedSize loaded(const Subject& s, const ModelOptions& o, const WeightSize& weights, size_t available) {
  return s.has_weights() ? loaded_file(s, o, available) : loaded_recipe(s, o, weights, available);
}

std::vector<int> contexts(const ModelOptions& o, const models::ModelSpec& spec) {
  if (o.engine.context > 0) return {o.engine.context};
  if (spec.context <= kUsualContext) return {spec.context};
  return {kUsualContext, spec.context};
}

size_t bytes_per_token(const Subject& s) {
  size_t bytes = 0;
  for (const ops::CacheInfo& c : s.program.caches) bytes += 2 * size_t(c.kv_heads) * row_bytes(s.model.kv_format, c.head_dim);
  return bytes;
}

size_t working_bytes(const Subject& s, int context) {
  int outputs = std::min(kLargestBucket, engine::kMaxOutputs);
  ops::Program step = models::trace(*s.model.architecture, s.model.spec, kLargestBucket, outputs);
  size_t bytes = plan::plan_memory(step).bytes;
  for (const ops::CacheInfo& c : s.program.caches) {
    int window = s.program.windows[size_t(c.group)];
    if (window == 0) continue;
    int most = engine::KvPages(0, window).pages_for(context, kLargestBucket);
    int kept = std::min(ops::pages_for(context), ops::pages_for(window) + 1);
    size_t rows = size_t(std::max(0, most - kept)) * ops::kPageTokens * size_t(c.kv_heads);
    bytes += 2 * rows * row_bytes(s.model.kv_format, c.head_dim);
  }
  return bytes;
}

}  // namespace troika::apps
