#include "npu/design/gemm_design.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/error.h"
#include "npu/design/builder.h"

namespace troika::npu {
namespace {

constexpr int kStepsInMemoryTile = 2;  // K steps of a buffer there: K in pairs of steps then fills it

// Channels of the tiles, as the drawing in the header has them.
constexpr int kA = 0, kB = 1, kC = 2;

class GemmBuilder {
 public:
  explicit GemmBuilder(const GemmTile& tile) : tile_(tile), kernels_(kernels_of(tile)) {
    design_.tile = tile;
    design_.spec.name = tile.name;
  }

  GemmDesign build() {
    for (int column = 0; column < kColumns; ++column) add_memory_tile(column);
    for (int column = 0; column < kColumns; ++column)
      for (int row = 0; row < kCoreRows; ++row) add_core(column, row);
    for (int column = 0; column < kColumns; ++column) connect(column);
    return std::move(design_);
  }

 private:
  void add_memory_tile(int column) {
    Tile tile = memory_tile(column);
    uint32_t a_bytes = kStepsInMemoryTile * tile_.a_bytes(), b_bytes = kStepsInMemoryTile * tile_.b_bytes();
    Fifo a = parts_.add_fifo(a_name(column), tile, 2, a_bytes), b = parts_.add_fifo(b_name(column), tile, 2, b_bytes);
    std::vector<Fifo> c;
    for (int row = 0; row < kCoreRows; ++row)
      c.push_back(parts_.add_fifo(fmt::format("{}.row{}", c_name(column), row), tile, 2, tile_.y_bytes()));
    for (Direction direction : {Direction::s2mm, Direction::mm2s}) {
      parts_.add_channel({tile, direction, kA}, {a}, a_bytes);
      parts_.add_channel({tile, direction, kB}, {b}, b_bytes);
    }
    for (int row = 0; row < kCoreRows; ++row) parts_.add_channel(into(tile, kC + row), {c[row]}, tile_.y_bytes());
    parts_.add_channel(out_of(tile, kC), c, tile_.y_bytes());
  }

  void add_core(int column, int row) {
    Tile tile = core_tile(column, row);
    Fifo a = parts_.add_fifo("A", tile, 2, tile_.a_bytes()), b = parts_.add_fifo("B", tile, 2, tile_.b_bytes());
    Fifo c = parts_.add_fifo("C", tile, 1, tile_.c_bytes());
    int int8 = kernels_.dequantise.empty() ? -1 : parts_.add_buffer("B.int8", tile, tile_.k * tile_.n);
    int parameters = parts_.add_buffer("parameters", tile, kParameterBytes);
    int told = parts_.add_lock("parameters", tile, 0, true);
    parts_.add_channel(into(tile, kA), {a}, tile_.a_bytes());
    parts_.add_channel(into(tile, kB), {b}, tile_.b_bytes());
    parts_.add_channel(out_of(tile, 0), {c}, tile_.y_bytes());
    design_.parameters.push_back(parameters);
    design_.parameter_locks.push_back(told);

    Program program;
    program.acquire(told);
    program.repeat(parameters, 0);
    program.acquire(c.free);
    program.call(kernels_.zero, {c.buffers[0]});
    program.repeat(parameters, 4);
    for (int i = 0; i < 2; ++i) {
      program.acquire(b.full);
      if (int8 >= 0) {
        program.call(kernels_.dequantise, {b.buffers[i], int8});
        program.release(b.free);  // B is needed no more: the next one may come
      }
      program.acquire(a.full);
      program.call(kernels_.product, {a.buffers[i], int8 >= 0 ? int8 : b.buffers[i], c.buffers[0]});
      program.release(a.free);
      if (int8 < 0) program.release(b.free);
    }
    program.end();
    for (int i = 0; i < tile_.scale_steps(); ++i) {
      program.acquire(a.full);
      program.acquire(b.full);
      if (i == 0) program.call(kernels_.scale, {a.buffers[i], b.buffers[i], c.buffers[0]});
      program.release(a.free);
      program.release(b.free);
    }
    program.release(c.full);
    program.end();
    design_.spec.cores.push_back({tile, kStackBytes, std::move(program.steps)});
  }

  void connect(int column) {
    DesignSpec& spec = design_.spec;
    Tile shim = shim_tile(column), memory = memory_tile(column);
    spec.shims.push_back({a_name(column), out_of(shim, 0), kArgumentX});
    spec.shims.push_back({b_name(column), out_of(shim, 1), kArgumentW});
    spec.shims.push_back({c_name(column), into(shim, 0), kArgumentY});
    spec.flows.push_back({out_of(shim, 0), {into(memory, kA)}});
    spec.flows.push_back({out_of(shim, 1), {into(memory, kB)}});
    spec.flows.push_back({out_of(memory, kC), {into(shim, 0)}});
    FlowSpec a{out_of(memory, kA), {}}, b{out_of(memory, kB), {}};
    for (int i = 0; i < kColumns; ++i) a.to.push_back(into(core_tile(i, column), kA));
    for (int row = 0; row < kCoreRows; ++row) {
      b.to.push_back(into(core_tile(column, row), kB));
      spec.flows.push_back({out_of(core_tile(column, row), 0), {into(memory, kC + row)}});
    }
    spec.flows.push_back(std::move(a));
    spec.flows.push_back(std::move(b));
  }

  GemmTile tile_;
  GemmKernels kernels_;
  GemmDesign design_;
  Builder parts_{design_.spec};
};

}  // namespace

GemmKernels kernels_of(const GemmTile& tile) {
  GemmKernels kernels{fmt::format("zero_i32_{}x{}", tile.m, tile.n),
                      fmt::format("mm_{}_{}x{}x{}", tile.unit().product, tile.m, tile.k, tile.n), "", ""};
  if (tile.weights == WeightKind::w4) kernels.dequantise = fmt::format("dequant_w4g{}_i8_{}x{}", tile.k, tile.k, tile.n);
  if (tile.result == ResultKind::bf16) kernels.scale = fmt::format("epilogue_i32_bf16_{}x{}", tile.m, tile.n);
  return kernels;
}

std::string a_name(int column) { return fmt::format("A{}", column); }
std::string b_name(int column) { return fmt::format("B{}", column); }
std::string c_name(int column) { return fmt::format("C{}", column); }

GemmDesign make_gemm_design(const GemmTile& tile) { return GemmBuilder(tile).build(); }

const ShimSpec& shim_of(const DesignSpec& design, std::string_view name) {
  auto shim = std::find_if(design.shims.begin(), design.shims.end(), [&](const ShimSpec& s) { return s.name == name; });
  if (shim == design.shims.end()) fail("The design {} has no shim channel {}.", design.name, name);
  return *shim;
}

}  // namespace troika::npu
