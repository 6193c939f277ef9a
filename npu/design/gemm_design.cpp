#include "npu/design/gemm_design.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "base/error.h"

namespace troika::npu {
namespace {

constexpr uint32_t kStackBytes = 2048;
constexpr uint32_t kParameterBytes = 32;
constexpr int kStepsInMemoryTile = 2;  // K steps of a buffer there: K in pairs of steps then fills it

// Channels of the tiles, as the drawing in the header has them.
constexpr int kA = 0, kB = 1, kC = 2;

constexpr Port into(Tile tile, int channel) { return {tile, Direction::s2mm, channel}; }
constexpr Port out_of(Tile tile, int channel) { return {tile, Direction::mm2s, channel}; }
constexpr Tile shim_tile(int column) { return {column, 0}; }
constexpr Tile memory_tile(int column) { return {column, 1}; }
constexpr Tile core_tile(int column, int row) { return {column, kFirstCoreRow + row}; }

// Buffers that are filled and emptied in turn, with the two locks that tell how many are free and how many full.
struct Fifo {
  std::vector<int> buffers;
  int free = 0, full = 0;
};

class Builder {
 public:
  explicit Builder(const GemmTile& tile) : tile_(tile), kernels_(kernels_of(tile)) {
    design_.tile = tile;
    design_.spec.name = tile.weights == WeightKind::w4 ? "gemm_w4a8" : "gemm_w8a8";
    if (tile.result == ResultKind::bf16) design_.spec.name += "_bf16";
  }

  GemmDesign build() {
    for (int column = 0; column < kColumns; ++column) add_memory_tile(column);
    for (int column = 0; column < kColumns; ++column)
      for (int row = 0; row < kCoreRows; ++row) add_core(column, row);
    for (int column = 0; column < kColumns; ++column) connect(column);
    return std::move(design_);
  }

 private:
  struct Place {
    uint32_t next_byte = 0;
    int next_lock = 0;
    std::map<bool, int> next_descriptor;  // by half of a memory tile
  };

  int add_buffer(std::string name, Tile tile, uint32_t bytes) {
    Place& place = place_of(tile);
    design_.spec.buffers.push_back({std::move(name), tile, place.next_byte, bytes});
    place.next_byte += (bytes + kVectorBytes - 1) / kVectorBytes * kVectorBytes;
    return int(design_.spec.buffers.size()) - 1;
  }

  int add_lock(std::string name, Tile tile, int initial, bool by_stream = false) {
    design_.spec.locks.push_back({std::move(name), tile, place_of(tile).next_lock++, initial, by_stream});
    return int(design_.spec.locks.size()) - 1;
  }

  Fifo add_fifo(const std::string& name, Tile tile, int depth, uint32_t bytes) {
    Fifo fifo;
    for (int i = 0; i < depth; ++i) fifo.buffers.push_back(add_buffer(fmt::format("{}.{}", name, i), tile, bytes));
    fifo.free = add_lock(name + ".free", tile, depth);
    fifo.full = add_lock(name + ".full", tile, 0);
    return fifo;
  }

  Place& place_of(Tile tile) {
    Place& place = places_[number_of(tile)];
    if (kind_of(tile) == TileKind::core) place.next_byte = std::max(place.next_byte, kStackBytes);
    return place;
  }

  int next_descriptor(const Port& port) {
    bool upper = kind_of(port.tile) == TileKind::memory && port.channel % 2 == 1;
    return (upper ? kMemoryLimits.descriptors / 2 : 0) + place_of(port.tile).next_descriptor[upper]++;
  }

  // A channel that goes round over `fifos`: the first buffer of each, then the second of each; so many bytes of each.
  void add_channel(const Port& port, const std::vector<Fifo>& fifos, uint32_t bytes) {
    bool fills = port.direction == Direction::s2mm;
    ChannelSpec channel{port, {}};
    for (size_t i = 0; i < fifos[0].buffers.size(); ++i)
      for (const Fifo& fifo : fifos) {
        DescriptorSpec descriptor{next_descriptor(port), fifo.buffers[i], 0, bytes / 4};
        descriptor.acquire = LockUse{fills ? fifo.free : fifo.full};
        descriptor.release = LockUse{fills ? fifo.full : fifo.free};
        channel.descriptors.push_back(descriptor);
      }
    for (size_t i = 0; i < channel.descriptors.size(); ++i)
      channel.descriptors[i].next = channel.descriptors[(i + 1) % channel.descriptors.size()].number;
    design_.spec.channels.push_back(std::move(channel));
  }

  void add_memory_tile(int column) {
    Tile tile = memory_tile(column);
    uint32_t a_bytes = kStepsInMemoryTile * tile_.a_bytes(), b_bytes = kStepsInMemoryTile * tile_.b_bytes();
    Fifo a = add_fifo(a_name(column), tile, 2, a_bytes), b = add_fifo(b_name(column), tile, 2, b_bytes);
    std::vector<Fifo> c;
    for (int row = 0; row < kCoreRows; ++row)
      c.push_back(add_fifo(fmt::format("{}.row{}", c_name(column), row), tile, 2, tile_.y_bytes()));
    for (Direction direction : {Direction::s2mm, Direction::mm2s}) {
      add_channel({tile, direction, kA}, {a}, a_bytes);
      add_channel({tile, direction, kB}, {b}, b_bytes);
    }
    for (int row = 0; row < kCoreRows; ++row) add_channel(into(tile, kC + row), {c[row]}, tile_.y_bytes());
    add_channel(out_of(tile, kC), c, tile_.y_bytes());
  }

  void add_core(int column, int row) {
    Tile tile = core_tile(column, row);
    Fifo a = add_fifo("A", tile, 2, tile_.a_bytes()), b = add_fifo("B", tile, 2, tile_.b_bytes());
    Fifo c = add_fifo("C", tile, 1, tile_.c_bytes());
    int int8 = kernels_.dequantise.empty() ? -1 : add_buffer("B.int8", tile, tile_.k * tile_.n);
    int parameters = add_buffer("parameters", tile, kParameterBytes);
    int told = add_lock("parameters", tile, 0, true);
    add_channel(into(tile, kA), {a}, tile_.a_bytes());
    add_channel(into(tile, kB), {b}, tile_.b_bytes());
    add_channel(out_of(tile, 0), {c}, tile_.y_bytes());
    design_.parameters.push_back(parameters);
    design_.parameter_locks.push_back(told);

    std::vector<CoreStep> program;
    acquire(program, told);
    repeat(program, parameters, 0);
    acquire(program, c.free);
    call(program, kernels_.zero, {c.buffers[0]});
    repeat(program, parameters, 4);
    for (int i = 0; i < 2; ++i) {
      acquire(program, b.full);
      if (int8 >= 0) {
        call(program, kernels_.dequantise, {b.buffers[i], int8});
        release(program, b.free);  // B is needed no more: the next one may come
      }
      acquire(program, a.full);
      call(program, kernels_.product, {a.buffers[i], int8 >= 0 ? int8 : b.buffers[i], c.buffers[0]});
      release(program, a.free);
      if (int8 < 0) release(program, b.free);
    }
    end(program);
    for (int i = 0; i < tile_.scale_steps(); ++i) {
      acquire(program, a.full);
      acquire(program, b.full);
      if (i == 0) call(program, kernels_.scale, {a.buffers[i], b.buffers[i], c.buffers[0]});
      release(program, a.free);
      release(program, b.free);
    }
    release(program, c.full);
    end(program);
    design_.spec.cores.push_back({tile, kStackBytes, std::move(program)});
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

  using Program = std::vector<CoreStep>;
  static void acquire(Program& p, int lock) { p.push_back({.kind = CoreStep::Kind::acquire, .lock = {lock}}); }
  static void release(Program& p, int lock) { p.push_back({.kind = CoreStep::Kind::release, .lock = {lock}}); }
  static void call(Program& p, const std::string& kernel, std::vector<int> buffers) {
    p.push_back({.kind = CoreStep::Kind::call, .kernel = kernel, .buffers = std::move(buffers)});
  }
  static void repeat(Program& p, int buffer, uint32_t offset) {
    p.push_back({.kind = CoreStep::Kind::repeat, .buffers = {buffer}, .offset = offset});
  }
  static void end(Program& p) { p.push_back({.kind = CoreStep::Kind::end}); }

  GemmTile tile_;
  GemmKernels kernels_;
  GemmDesign design_;
  std::map<int, Place> places_;  // by number of the tile
};

}  // namespace

GemmKernels kernels_of(const GemmTile& tile) {
  GemmKernels kernels{fmt::format("zero_i32_{}x{}", tile.m, tile.n),
                  fmt::format("mm_i8i8_i32_{}x{}x{}", tile.m, tile.k, tile.n), "", ""};
  if (tile.weights == WeightKind::w4) kernels.dequantise = fmt::format("dequant_w4g{}_i8_{}x{}", tile.k, tile.k, tile.n);
  if (tile.result == ResultKind::bf16) kernels.scale = fmt::format("epilogue_i32_bf16_{}x{}", tile.m, tile.n);
  return kernels;
}

std::string a_name(int column) { return fmt::format("A{}", column); }
std::string b_name(int column) { return fmt::format("B{}", column); }
std::string c_name(int column) { return fmt::format("C{}", column); }

GemmDesign make_gemm_design(const GemmTile& tile) { return Builder(tile).build(); }

const ShimSpec& shim_of(const DesignSpec& design, std::string_view name) {
  auto shim = std::find_if(design.shims.begin(), design.shims.end(), [&](const ShimSpec& s) { return s.name == name; });
  if (shim == design.shims.end()) fail("The design {} has no shim channel {}.", design.name, name);
  return *shim;
}

}  // namespace troika::npu
