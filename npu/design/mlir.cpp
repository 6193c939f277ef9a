#include "npu/design/mlir.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <map>
#include <set>

#include "base/error.h"
#include "npu/kernels/catalogue.h"

namespace troika::npu {
namespace {

// Trips of a loop that never ends, as mlir-aie's own programs have it.
constexpr const char* kForever = "9223372036854775807";

std::string name_of(Tile tile) { return fmt::format("tile_{}_{}", tile.column, tile.row); }

// Names become symbols of the cores' linker: letters, digits and _, and one of a kind in the whole array.
std::string symbol_of(const std::string& name, Tile tile) {
  std::string symbol = fmt::format("{}_{}_{}", name, tile.column, tile.row);
  std::replace(symbol.begin(), symbol.end(), '.', '_');
  return symbol;
}

std::string symbol_of(const BufferSpec& buffer) { return symbol_of(buffer.name, buffer.tile); }
std::string symbol_of(const LockSpec& lock) { return "lock_" + symbol_of(lock.name, lock.tile); }

// Words, whatever lies in them: descriptors count in words, and a kernel sees but an address.
std::string type_of(const BufferSpec& buffer) { return fmt::format("memref<{}xi32>", buffer.bytes / 4); }

const char* text_of(Direction direction) { return direction == Direction::s2mm ? "S2MM" : "MM2S"; }

std::string label_of(const Port& port) {
  return fmt::format("{}{}", port.direction == Direction::s2mm ? "s2mm" : "mm2s", port.channel);
}

class Writer {
 public:
  explicit Writer(const DesignSpec& design) : d_(design) {}

  std::string text() {
    check_names();
    line("// {}", d_.name);
    open("module {{");
    open("aie.device(npu1) {{");
    write_kernels();
    write_tiles();
    write_buffers();
    write_locks();
    write_flows();
    for (Tile tile : tiles_) write_channels(tile);
    for (const CoreSpec& core : d_.cores) write_core(core);
    write_sequence();
    close("}}");
    close("}}");
    return std::move(text_);
  }

 private:
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    text_.append(2 * depth_, ' ');
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }

  template <typename... Args>
  void open(fmt::format_string<Args...> format, Args&&... args) {
    line(format, std::forward<Args>(args)...);
    ++depth_;
  }

  template <typename... Args>
  void close(fmt::format_string<Args...> format, Args&&... args) {
    --depth_;
    line(format, std::forward<Args>(args)...);
  }

  const BufferSpec& buffer(int index) { return d_.buffers[size_t(index)]; }

  void check_names() {
    std::set<std::string> seen;
    auto note = [&](const std::string& symbol, const std::string& name, Tile tile) {
      if (!seen.insert(symbol).second)
        fail("The design {} cannot be written for mlir-aie: {} on {} is not the only one of that name; rename it.", d_.name,
             name, to_text(tile));
    };
    for (const BufferSpec& b : d_.buffers) {
      note(symbol_of(b), "buffer " + b.name, b.tile);
      if (b.bytes % 4)
        fail("The design {} cannot be written for mlir-aie: buffer {} on {} has {} bytes; make it whole words.", d_.name,
             b.name, to_text(b.tile), b.bytes);
    }
    for (const LockSpec& l : d_.locks) note(symbol_of(l), "lock " + l.name, l.tile);
  }

  // Types of a call's buffers, with commas.
  std::string types_of(const CoreStep& call) {
    std::vector<std::string> types;
    for (int index : call.buffers) types.push_back(type_of(buffer(index)));
    return fmt::format("{}", fmt::join(types, ", "));
  }

  // Every kernel that is called, with the object that has it.
  void write_kernels() {
    std::map<std::string, std::string> types;
    for (const CoreSpec& core : d_.cores)
      for (const CoreStep& step : core.program) {
        if (step.kind != CoreStep::Kind::call) continue;
        auto [known, added] = types.try_emplace(step.kernel, types_of(step));
        if (!added && known->second != types_of(step))
          fail("The design {} cannot be written for mlir-aie: {} is given ({}) and ({}); give it buffers of one size.",
               d_.name, step.kernel, known->second, types_of(step));
      }
    for (const auto& [name, arguments] : types) {
      const kernels::Kernel* kernel = kernels::find(name);
      if (!kernel) fail("The design {} calls {}, which is no kernel of ours.", d_.name, name);
      line("func.func private @{}({}) attributes {{link_with = \"{}.o\"}}", name, arguments, kernel->source);
    }
  }

  // Tiles that have something. mlir-aie 1.3.2 may move buffers, though they have addresses; by this scheme it puts them one
  // behind the other from the stack up, largest first. That leaves the parameters, which streams write, at their place.
  void write_tiles() {
    std::map<int, Tile> found;
    auto note = [&](Tile tile) { found.emplace(number_of(tile), tile); };
    for (const BufferSpec& b : d_.buffers) note(b.tile);
    for (const LockSpec& l : d_.locks) note(l.tile);
    for (const ChannelSpec& c : d_.channels) note(c.port.tile);
    for (const ShimSpec& s : d_.shims) note(s.port.tile);
    for (const CoreSpec& c : d_.cores) note(c.tile);
    for (const auto& [number, tile] : found) {
      tiles_.push_back(tile);
      const char* scheme = kind_of(tile) == TileKind::shim ? "" : " {allocation_scheme = \"basic-sequential\"}";
      line("%{} = aie.tile({}, {}){}", name_of(tile), tile.column, tile.row, scheme);
    }
  }

  void write_buffers() {
    for (const BufferSpec& b : d_.buffers)
      line("%{0} = aie.buffer(%{1}) {{address = {2} : i32, sym_name = \"{0}\"}} : {3}", symbol_of(b), name_of(b.tile),
           b.address, type_of(b));
  }

  void write_locks() {
    for (const LockSpec& l : d_.locks)
      line("%{0} = aie.lock(%{1}, {2}) {{init = {3} : i32, sym_name = \"{0}\"}}", symbol_of(l), name_of(l.tile), l.number,
           l.initial);
  }

  void write_flows() {
    for (const ShimSpec& s : d_.shims) line("// {}: {}, argument {}", to_text(s.port), s.name, s.argument);
    for (const FlowSpec& flow : d_.flows)
      for (const Port& to : flow.to)
        line("aie.flow(%{}, DMA : {}, %{}, DMA : {})", name_of(flow.from.tile), flow.from.channel, name_of(to.tile),
             to.channel);
  }

  // A block starts each channel and names the next such block; descriptors are blocks too.
  void write_channels(Tile tile) {
    std::vector<const ChannelSpec*> channels;
    for (const ChannelSpec& c : d_.channels)
      if (c.port.tile == tile) channels.push_back(&c);
    if (channels.empty()) return;
    open("aie.{}(%{}) {{", kind_of(tile) == TileKind::memory ? "memtile_dma" : "mem", name_of(tile));
    for (size_t i = 0; i < channels.size(); ++i) {
      const ChannelSpec& channel = *channels[i];
      const Port& port = channel.port;
      std::string label = label_of(port), next = i + 1 < channels.size() ? label_of(channels[i + 1]->port) : "end";
      if (i > 0) label_line(label);
      line("aie.dma_start({}, {}, ^{}_{}, ^{})", text_of(port.direction), port.channel, label, channel.descriptors[0].number,
           next);
      for (const DescriptorSpec& descriptor : channel.descriptors) write_descriptor(label, descriptor);
    }
    label_line("end");
    line("aie.end");
    close("}}");
  }

  void label_line(const std::string& label) {
    --depth_;
    line("^{}:", label);
    ++depth_;
  }

  void write_descriptor(const std::string& channel, const DescriptorSpec& d) {
    label_line(fmt::format("{}_{}", channel, d.number));
    if (d.acquire) write_lock_use("AcquireGreaterEqual", *d.acquire);
    const BufferSpec& b = buffer(d.buffer);
    std::vector<std::string> walk;  // the dialect has the outermost first
    for (auto dimension = d.walk.rbegin(); dimension != d.walk.rend(); ++dimension)
      walk.push_back(fmt::format("<size = {}, stride = {}>", dimension->size, dimension->stride));
    line("aie.dma_bd(%{} : {}, {}, {}{}) {{bd_id = {} : i32}}", symbol_of(b), type_of(b), d.offset / 4, d.words,
         walk.empty() ? "" : fmt::format(", [{}]", fmt::join(walk, ", ")), d.number);
    if (d.release) write_lock_use("Release", *d.release);
    line("aie.next_bd ^{}", d.next ? fmt::format("{}_{}", channel, *d.next) : "end");
  }

  void write_lock_use(const char* action, const LockUse& use) {
    line("aie.use_lock(%{}, {}, {})", symbol_of(d_.locks[size_t(use.lock)]), action, use.value);
  }

  void write_core(const CoreSpec& core) {
    open("aie.core(%{}) {{", name_of(core.tile));
    line("%zero = arith.constant 0 : index");
    line("%one = arith.constant 1 : index");
    line("%forever = arith.constant {} : index", kForever);
    open_loop("round", "%forever");
    for (size_t i = 0; i < core.program.size(); ++i) write_step(core.program[i], i);
    close("}}");
    line("aie.end");
    close("}} {{stack_size = {} : i32}}", core.stack_bytes);
  }

  void open_loop(const std::string& counter, const std::string& trips) {
    open("scf.for %{} = %zero to {} step %one {{", counter, trips);
  }

  // `number` tells the values of one step from those of another.
  void write_step(const CoreStep& step, size_t number) {
    switch (step.kind) {
      case CoreStep::Kind::acquire: write_lock_use("AcquireGreaterEqual", step.lock); break;
      case CoreStep::Kind::release: write_lock_use("Release", step.lock); break;
      case CoreStep::Kind::call: {
        std::vector<std::string> names;
        for (int index : step.buffers) names.push_back("%" + symbol_of(buffer(index)));
        line("func.call @{}({}) : ({}) -> ()", step.kernel, fmt::join(names, ", "), types_of(step));
        break;
      }
      case CoreStep::Kind::repeat: write_repeat(step, number); break;
      case CoreStep::Kind::end: close("}}"); break;
    }
  }

  void write_repeat(const CoreStep& step, size_t number) {
    if (step.buffers.empty()) {
      line("%trips{} = arith.constant {} : index", number, step.trips);
    } else {
      const BufferSpec& b = buffer(step.buffers[0]);
      line("%at{} = arith.constant {} : index", number, step.offset / 4);
      line("%word{} = memref.load %{}[%at{}] : {}", number, symbol_of(b), number, type_of(b));
      line("%trips{} = arith.index_cast %word{} : i32 to index", number, number);
    }
    open_loop(fmt::format("i{}", number), fmt::format("%trips{}", number));
  }

  // The arguments of a run. It has no steps: our own instruction streams tell what moves.
  void write_sequence() {
    int count = 0;
    for (const ShimSpec& s : d_.shims) count = std::max(count, s.argument + 1);
    std::vector<std::string> arguments;
    for (int i = 0; i < count; ++i) arguments.push_back(fmt::format("%argument{}: memref<1xi32>", i));
    line("aie.runtime_sequence @run({}) {{", fmt::join(arguments, ", "));
    line("}}");
  }

  const DesignSpec& d_;
  std::string text_;
  size_t depth_ = 0;
  std::vector<Tile> tiles_;  // by column, then row
};

}  // namespace

std::string to_mlir(const DesignSpec& design) { return Writer(design).text(); }

}  // namespace troika::npu
