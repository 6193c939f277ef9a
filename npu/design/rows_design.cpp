#include "npu/design/rows_design.h"

#include <fmt/format.h>

#include "base/error.h"
#include "npu/design/builder.h"
#include "npu/kernels/catalogue.h"

namespace troika::npu {
namespace {

constexpr int kDepth = 2;

class RowsBuilder {
 public:
  explicit RowsBuilder(const kernels::Kernel& kernel) : kernel_(kernel.name) {
    design_.spec.name = fmt::format("rows_{}", kernel.name);
    design_.x_bytes = kernel.arguments.front().bytes;
    design_.y_bytes = kernel.arguments.back().bytes;
    if (kernel.arguments.size() == 3) design_.shared_bytes = kernel.arguments[1].bytes;
  }

  RowsDesign build() {
    for (int column = 0; column < kColumns; ++column) {
      add_memory_tile(column);
      for (int row = 0; row < kCoreRows; ++row) add_core(column, row);
      connect(column);
    }
    return std::move(design_);
  }

 private:
  bool shares() const { return design_.shared_bytes > 0; }

  void add_memory_tile(int column) {
    Tile tile = memory_tile(column);
    std::vector<Fifo> x, y;
    for (int row = 0; row < kCoreRows; ++row) {
      x.push_back(parts_.add_fifo(fmt::format("X.row{}", row), tile, kDepth, design_.x_bytes));
      y.push_back(parts_.add_fifo(fmt::format("Y.row{}", row), tile, kDepth, design_.y_bytes));
    }
    parts_.add_channel(into(tile, 0), x, design_.x_bytes);
    parts_.add_channel(out_of(tile, kCoreRows), y, design_.y_bytes);
    for (int row = 0; row < kCoreRows; ++row) {
      parts_.add_channel(out_of(tile, row), {x[row]}, design_.x_bytes);
      parts_.add_channel(into(tile, 1 + row), {y[row]}, design_.y_bytes);
    }
  }

  void add_core(int column, int row) {
    Tile tile = core_tile(column, row);
    Fifo x = parts_.add_fifo("X", tile, kDepth, design_.x_bytes), y = parts_.add_fifo("Y", tile, kDepth, design_.y_bytes);
    parts_.add_channel(into(tile, 0), {x}, design_.x_bytes);
    parts_.add_channel(out_of(tile, 0), {y}, design_.y_bytes);
    Fifo shared;
    if (shares()) {
      shared = parts_.add_fifo("shared", tile, 1, design_.shared_bytes);
      parts_.add_channel(into(tile, 1), {shared}, design_.shared_bytes);
    }
    int parameters = parts_.add_buffer("parameters", tile, kParameterBytes);
    int told = parts_.add_lock("parameters", tile, 0, true);
    design_.parameters.push_back(parameters);
    design_.parameter_locks.push_back(told);

    Program program;
    program.acquire(told);
    if (shares()) program.acquire(shared.full);
    program.repeat(parameters, 0);
    for (int i = 0; i < kDepth; ++i) {
      program.acquire(x.full);
      program.acquire(y.free);
      program.call(kernel_, shares() ? std::vector{x.buffers[i], shared.buffers[0], y.buffers[i]}
                                     : std::vector{x.buffers[i], y.buffers[i]});
      program.release(x.free);
      program.release(y.full);
    }
    program.end();
    if (shares()) program.release(shared.free);
    design_.spec.cores.push_back({tile, kStackBytes, std::move(program.steps)});
  }

  void connect(int column) {
    DesignSpec& spec = design_.spec;
    Tile shim = shim_tile(column), memory = memory_tile(column);
    spec.shims.push_back({fmt::format("X{}", column), out_of(shim, 0), kRowsX});
    spec.shims.push_back({fmt::format("Y{}", column), into(shim, 0), kRowsY});
    spec.flows.push_back({out_of(shim, 0), {into(memory, 0)}});
    spec.flows.push_back({out_of(memory, kCoreRows), {into(shim, 0)}});
    FlowSpec shared{out_of(shim, 1), {}};
    for (int row = 0; row < kCoreRows; ++row) {
      spec.flows.push_back({out_of(memory, row), {into(core_tile(column, row), 0)}});
      spec.flows.push_back({out_of(core_tile(column, row), 0), {into(memory, 1 + row)}});
      shared.to.push_back(into(core_tile(column, row), 1));
    }
    if (!shares()) return;
    spec.shims.push_back({fmt::format("shared{}", column), out_of(shim, 1), kRowsShared});
    spec.flows.push_back(std::move(shared));
  }

  std::string kernel_;
  RowsDesign design_;
  Builder parts_{design_.spec};
};

}  // namespace

RowsDesign make_rows_design(std::string_view kernel) {
  const kernels::Kernel* found = kernels::find(kernel);
  check(found, "a kernel of the catalogue");
  return RowsBuilder(*found).build();
}

}  // namespace troika::npu
