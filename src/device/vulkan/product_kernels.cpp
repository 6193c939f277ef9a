// Which kernels may compute a product with a weight, to the same bits, and which of them does.
#include <algorithm>
#include <bit>

#include "device/vulkan/compiler.h"
#include "device/vulkan/shader_pack.h"

namespace troika::device::vulkan {
namespace {

constexpr uint32_t kMostInFloats = 8;        // rows of x that linear takes; more go through matmul
constexpr uint32_t kMostOfLinear = 32;       // rows that linear_int8 takes
constexpr uint32_t kRowsBesideMatrices = 8;  // that are still linear_int8's where there is a matrix unit
constexpr uint32_t kMatmulColumns = 64, kMatmulLanes = 16;  // of a workgroup of matmul…; its lanes along rows of x
constexpr uint32_t kMostOfLane = 4;          // rows of x, there

// Lanes that keep the memory of a GPU busy: some thousands for each of its processors. Of blocks of 256 values each asks for more.
uint32_t lanes_wanted(GpuKind kind, const PanelFormat& format) {
  if (kind == GpuKind::discrete) return format.block_values == 256 ? 1u << 17 : 1u << 18;
  return kind == GpuKind::software ? 1u << 10 : 1u << 15;
}

// Stretches of a slice, as shaders/lib/int8.glsl has them.
uint32_t slice_length(uint32_t stretches, uint32_t slices) {
  const uint32_t length = pieces(stretches, slices);
  return length > 1 ? length + length % 2 : length;
}

// Into how many slices linear_int8 cuts the values of a row: as keeps the GPU busy, but of four stretches at least, or two where these
// would be less than 16. Sums depend on it, so it follows from the weight alone.
uint32_t slices(const Caps& caps, const GpuWeight& weight) {
  const uint32_t rows = uint32_t(weight.shape.rows()), stretches = uint32_t(weight.shape.columns()) / 32;
  const uint32_t most = std::min({64u, std::max({2u, stretches / 4, std::min(16u, stretches / 2)}), caps.workgroup_size / kPanelRows});
  const uint32_t wanted = std::bit_ceil(std::max(1u, lanes_wanted(caps.kind, *weight.panel) / rows));
  return std::max(2u, pieces(stretches, slice_length(stretches, std::clamp(wanted, std::min(8u, most), most))));
}

enum class End : uint32_t { as_is, rounded, normed };  // as shaders/lib/product.glsl counts

// What reading a weight takes, in rows that are multiplied with it meanwhile; an expert's is read for each row. And what a
// multiplication in float32 takes.
constexpr uint64_t kRowsOfReading = 16, kFloat = 4;

}  // namespace

uint64_t Compiler::Product::work() const {
  const uint64_t rows = chosen ? capacity * kRowsOfReading : std::max<uint64_t>(capacity, kRowsOfReading);
  return rows * columns * depth * matrices() * (rounded ? 1 : kFloat);
}

Candidate Compiler::candidate_of(const Product& p, std::span<const std::byte> all_live) {
  const auto candidate = [&](const Kernel& k) {
    return Candidate{k.pipeline, {pieces(p.capacity, k.rows), pieces(p.columns, k.columns), 1}};
  };
  if (!options_.tuner) return candidate(kernel_of(p));
  std::vector<Candidate> candidates;
  for (const Kernel& kernel : kernels_of(p)) candidates.push_back(candidate(kernel));
  if (candidates.size() == 1) return candidates[0];
  constexpr std::string_view kKinds[] = {"", ", gated", ", where"};
  const uint32_t sliced = p.in_halves() ? half_product_of(p).slices : slices(context_->caps(), *p.weight);
  const std::string product =
      fmt::format("{} {}x{} in {} slices{}{}{}{}, {} rows", p.weight->panel->shader, p.columns, p.depth, sliced, kKinds[p.kind],
                  p.in_halves() ? ", in halves" : "", p.rounded->factor == Rounded::none ? "" : ", with factors",
                  p.in_halves() && p.add_norm ? ", normed" : p.in_halves() && p.to_rounded ? ", rounded" : "", p.capacity);
  const auto known = options_.tuner->find(product, candidates);
  if (!known) add_trial(product, candidates, p.work(), all_live);
  return candidates[known.value_or(0)];
}

void Compiler::add_trial(const std::string& product, const std::vector<Candidate>& candidates, uint64_t work,
                         std::span<const std::byte> all_live) {
  auto trial = std::ranges::find(trials_, product, &Trial::product);
  if (trial == trials_.end()) trial = trials_.insert(trial, {product, candidates});
  trial->work += work;
  trial->pushes.emplace_back(all_live.begin(), all_live.end());
}

uint32_t Compiler::most_rows_of_linear(Rounding x) const {
  if (x != Rounding::int8) return kMostInFloats;
  return has_matrix_unit() ? std::min(kRowsBesideMatrices, options_.rows_at_once) : options_.rows_at_once;
}

uint32_t Compiler::slice_length_of(const Product& p) const {
  return slice_length(p.depth / 32, slices(context_->caps(), *p.weight));
}

MatrixKernel Compiler::matrix_kernel_of(const Product& p) const {
  const Caps& caps = context_->caps();
  const bool told = options_.matrix_tile && (p.matrices() == 1 || takes_gated(*options_.matrix_tile));
  const uint32_t length = slice_length_of(p);
  const auto kernel = told ? matrix_kernel(caps, *matrix_shape(caps), *options_.matrix_tile, length)
                           : choose_matrix_kernel(caps, p.columns, p.capacity, length, p.matrices());
  check(kernel.has_value(), "a tile fits the GPU");
  return *kernel;
}

Compiler::Kernel Compiler::kernel_of(const Product& p) const {
  if (p.in_halves()) {
    const auto kernel = choose_half_kernel(context_->caps(), *context_->lanes(), half_product_of(p));
    check(kernel.has_value(), "a tile fits the GPU");
    return half_kernel_of(p, *kernel);
  }
  const bool few = p.chosen || p.capacity <= most_rows_of_linear(p.rounded ? Rounding::int8 : Rounding::none);
  const uint32_t each = std::min(kMostOfLane, pieces(p.capacity, kMatmulLanes));
  const std::string_view format = p.weight->panel->shader;
  if (!p.rounded && few) {  // experts differ from row to row, so these are computed one by one
    const uint32_t rows = p.chosen ? 1 : p.capacity;
    return {{fmt::format("linear.{}", format), {rows, p.kind, p.chosen != 0}}, kPanelRows, rows};
  }
  if (!p.rounded) return {{fmt::format("matmul.{}", format), {each, p.kind}}, kMatmulColumns, kMatmulLanes * each};
  if (few) return linear_kernel_of(p);
  if (has_matrix_unit()) return coop_kernel_of(p, matrix_kernel_of(p));
  return matmul_kernel_of(p, each);
}

std::vector<Compiler::Kernel> Compiler::kernels_of(const Product& p) const {
  std::vector<Kernel> kernels{kernel_of(p)};
  const auto add = [&](Kernel kernel) {
    if (kernel.pipeline != kernels[0].pipeline) kernels.push_back(std::move(kernel));
  };
  if (p.in_halves()) {
    for (const HalfTile& tile : half_tiles()) {
      const auto kernel = half_kernel(context_->caps(), *context_->lanes(), tile, half_product_of(p));
      if (kernel && kernel->suits()) add(half_kernel_of(p, *kernel));
    }
    return kernels;
  }
  if (!p.rounded || p.chosen || p.capacity <= kRowsBesideMatrices) return kernels;
  if (p.capacity <= kMostOfLinear) add(linear_kernel_of(p));
  if (!has_matrix_unit()) {
    if (p.kind == Product::gated) return kernels;
    const uint32_t most = std::min(kMostOfLane, pieces(p.capacity, kMatmulLanes));
    for (uint32_t each = 1; each <= most; ++each) add(matmul_kernel_of(p, each));
    return kernels;
  }
  const Caps& caps = context_->caps();
  for (const MatrixTile& tile : matrix_tiles()) {
    const auto kernel = matrix_kernel(caps, *matrix_shape(caps), tile, slice_length_of(p));
    if (kernel && kernel->suits(p.capacity) && (p.kind != Product::gated || takes_gated(tile))) add(coop_kernel_of(p, *kernel));
  }
  return kernels;
}

HalfProduct Compiler::half_product_of(const Product& p) const {
  const auto [slices, spans] =
      half_slices(context_->caps(), *context_->lanes(), uint32_t(p.weight->shape.rows()), uint32_t(p.weight->shape.columns()));
  return {p.columns, p.capacity, slices, spans, p.matrices(), p.add_norm != nullptr, p.weight->panel->block_values < 32};
}

bool Compiler::can_end_with_norm(const Product& p) const {
  if (!p.in_halves()) return true;
  HalfProduct normed = half_product_of(p);
  normed.normed = true;
  return choose_half_kernel(context_->caps(), *context_->lanes(), normed).has_value();
}

Compiler::Kernel Compiler::half_kernel_of(const Product& p, const HalfKernel& kernel) const {
  const End end = p.add_norm ? End::normed : p.to_rounded ? End::rounded : End::as_is;
  return {{"matmul_half", kernel.constants(format_number(p.weight->panel->shader), p.kind, p.rounded->factor, uint32_t(end)),
           kernel.lanes.subgroup_size},
          kernel.rows / p.matrices(),
          kernel.tokens};
}

// One or two rows wait for memory; more have sums enough to fill the registers, as two rows of a gated product have. In a chain
// the first are asked for before x is there: the more the better, as far as registers go. Two of blocks of 256 values share what is
// read (LOADS_PAIRS in shaders/lib/group.glsl). More than 512 lanes have 64 registers each; and a gated product, with four groups for
// each stretch, should have room on the GPU for all its workgroups at once.
uint32_t Compiler::stretches_at_once(const Product& p, uint32_t rows, uint32_t lanes) const {
  const PanelFormat& format = *p.weight->panel;
  if (rows * p.matrices() > 2) return 1;
  if (!context_->has_chains() || format.block_values == 256) return 2;
  if (p.kind == Product::gated) return 1;
  if (!p.add_norm) return 2;
  const bool has_small_groups = format.block_values == 32 && format.block_bytes <= 18;
  return (rows == 1 && has_small_groups ? 2 : 1) * (lanes <= 512 ? 2 : 1);
}

bool Compiler::can_wait(const PipelineKey& pipeline) { return pipeline.shader.starts_with("linear_int8."); }

Compiler::Kernel Compiler::linear_kernel_of(const Product& p) const {
  const bool experts = p.chosen != 0, rounds = p.to_rounded != nullptr;
  const uint32_t rows = experts ? 1 : std::bit_ceil(p.capacity), lanes = kPanelRows * slices(context_->caps(), *p.weight);
  const End end = p.add_norm ? End::normed : rounds ? End::rounded : End::as_is;
  return {{fmt::format("linear_int8.{}", p.weight->panel->shader), {rows, p.kind, experts, lanes, uint32_t(end), p.rounded->factor,
            std::min(stretches_at_once(p, rows, lanes), slice_length_of(p)), context_->has_chains()}},
          kPanelRows * (rounds ? 2u : 1u),
          rows};
}

Compiler::Kernel Compiler::matmul_kernel_of(const Product& p, uint32_t each) const {
  const uint32_t sliced = slices(context_->caps(), *p.weight);
  const bool has_factor = p.rounded->factor != Rounded::none;
  return {{fmt::format("matmul_int8.{}", p.weight->panel->shader), {each, p.kind, sliced, has_factor}},
          kMatmulColumns,
          kMatmulLanes * each};
}

Compiler::Kernel Compiler::coop_kernel_of(const Product& p, const MatrixKernel& kernel) const {
  const uint32_t format = format_number(p.weight->panel->shader);
  const bool has_factor = p.rounded->factor != Rounded::none;
  return {{"matmul_coop", kernel.constants(format, p.kind, has_factor), kernel.subgroup_size},
          kernel.rows / p.matrices(),
          kernel.tokens};
}

}  // namespace troika::device::vulkan
