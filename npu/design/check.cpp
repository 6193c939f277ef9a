#include "npu/design/check.h"

#include <algorithm>
#include <fmt/format.h>

#include "npu/kernels/catalogue.h"

namespace troika::npu {
namespace {

constexpr bool fits(uint64_t value, int bits) { return value < (uint64_t{1} << bits); }

class Checker {
 public:
  explicit Checker(const DesignSpec& design) : d_(design) {}

  std::vector<std::string> run() {
    check_buffers();
    check_locks();
    check_channels();
    check_flows();
    check_shims();
    check_cores();
    check_lock_partners();
    return std::move(found_);
  }

 private:
  template <typename... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) {
    found_.push_back(fmt::format(format, std::forward<Args>(args)...));
  }

  bool known(int index, size_t count) { return index >= 0 && size_t(index) < count; }

  bool in_array(const std::string& what, Tile tile) {
    bool inside = tile.column >= 0 && tile.column < kColumns && tile.row >= 0 && tile.row < kRows;
    if (!inside) say("{} lies outside of the array of {} columns and {} rows", what, kColumns, kRows);
    return inside;
  }

  uint32_t stack_of(Tile tile) {
    auto core = std::find_if(d_.cores.begin(), d_.cores.end(), [&](const CoreSpec& c) { return c.tile == tile; });
    return core == d_.cores.end() ? 0 : core->stack_bytes;
  }

  void check_buffers() {
    for (size_t i = 0; i < d_.buffers.size(); ++i) {
      const BufferSpec& b = d_.buffers[i];
      std::string what = fmt::format("buffer {} on {}", b.name, to_text(b.tile));
      if (!in_array(what, b.tile)) continue;
      uint64_t end = uint64_t{b.address} + b.bytes;
      if (b.bytes == 0) say("{} has no bytes", what);
      if (end > limits_of(b.tile).memory_bytes)
        say("{} ends at byte {}, but that memory has {}", what, end, limits_of(b.tile).memory_bytes);
      if (b.address % kVectorBytes) say("{} starts at byte {}, which is no multiple of {}", what, b.address, kVectorBytes);
      if (b.address < stack_of(b.tile))
        say("{} starts at byte {} in the stack of {} bytes", what, b.address, stack_of(b.tile));
      for (size_t j = 0; j < i; ++j) {
        const BufferSpec& other = d_.buffers[j];
        if (other.tile == b.tile && b.address < uint64_t{other.address} + other.bytes && other.address < end)
          say("{} overlaps buffer {}", what, other.name);
      }
    }
  }

  void check_locks() {
    for (size_t i = 0; i < d_.locks.size(); ++i) {
      const LockSpec& lock = d_.locks[i];
      std::string what = fmt::format("lock {} on {}", lock.name, to_text(lock.tile));
      if (!in_array(what, lock.tile)) continue;
      int count = limits_of(lock.tile).locks;
      if (lock.number < 0 || lock.number >= count) say("{} is number {}, but there are {}", what, lock.number, count);
      if (lock.initial < 0 || lock.initial > kLockMax)
        say("{} begins at {}, but locks count from 0 to {}", what, lock.initial, kLockMax);
      for (size_t j = 0; j < i; ++j)
        if (d_.locks[j].tile == lock.tile && d_.locks[j].number == lock.number)
          say("{} has the number {} of lock {}", what, lock.number, d_.locks[j].name);
    }
  }

  // A lock's use by something on `tile`.
  void check_lock_use(const std::string& what, Tile tile, const LockUse& use) {
    if (!known(use.lock, d_.locks.size())) return say("{} names lock {}, which the design does not have", what, use.lock);
    const LockSpec& lock = d_.locks[use.lock];
    if (!(lock.tile == tile)) say("{} uses lock {} of {}", what, lock.name, to_text(lock.tile));
    if (use.value < 1 || use.value > kLockMax)
      say("{} counts lock {} by {}, but 1 to {} can be said", what, lock.name, use.value, kLockMax);
  }

  bool check_port(const Port& port) {
    std::string what = to_text(port);
    if (!in_array(what, port.tile)) return false;
    int count = limits_of(port.tile).channels;
    bool there = port.channel >= 0 && port.channel < count;
    if (!there) say("{} does not exist: there are {} channels each way", what, count);
    return there;
  }

  void check_channels() {
    for (size_t i = 0; i < d_.channels.size(); ++i) {
      const ChannelSpec& channel = d_.channels[i];
      if (!check_port(channel.port)) continue;
      std::string what = to_text(channel.port);
      if (kind_of(channel.port.tile) == TileKind::shim)
        say("{} is driven by instruction streams and has no program of its own", what);
      for (size_t j = 0; j < i; ++j)
        if (d_.channels[j].port == channel.port) say("{} is described twice", what);
      if (channel.descriptors.empty()) say("{} has no descriptors", what);
      if (!has_flow(channel.port)) say("{} is connected to no stream", what);
      for (const DescriptorSpec& descriptor : channel.descriptors) check_descriptor(channel, descriptor);
      check_descriptor_numbers(i);
    }
  }

  void check_descriptor_numbers(size_t index) {
    const ChannelSpec& channel = d_.channels[index];
    for (size_t k = 0; k < channel.descriptors.size(); ++k) {
      int number = channel.descriptors[k].number;
      for (size_t j = 0; j <= index; ++j) {
        const ChannelSpec& other = d_.channels[j];
        if (!(other.port.tile == channel.port.tile)) continue;
        size_t end = j == index ? k : other.descriptors.size();
        for (size_t l = 0; l < end; ++l)
          if (other.descriptors[l].number == number)
            say("descriptor {} of {} is also one of {}", number, to_text(channel.port), to_text(other.port));
      }
    }
  }

  void check_descriptor(const ChannelSpec& channel, const DescriptorSpec& descriptor) {
    Tile tile = channel.port.tile;
    const TileLimits& limits = limits_of(tile);
    std::string what = fmt::format("descriptor {} of {}", descriptor.number, to_text(channel.port));
    if (descriptor.number < 0 || descriptor.number >= limits.descriptors)
      say("{} does not exist: there are {}", what, limits.descriptors);
    else if (!reaches(tile, channel.port.channel, descriptor.number))
      say("{} is out of reach: even channels have the lower {}, odd ones the upper", what, limits.descriptors / 2);
    if (descriptor.acquire) check_lock_use(what, tile, *descriptor.acquire);
    if (descriptor.release) check_lock_use(what, tile, *descriptor.release);
    bool follows = !descriptor.next;
    for (const DescriptorSpec& other : channel.descriptors) follows |= descriptor.next == other.number;
    if (!follows) say("{} goes on to descriptor {}, which is none of its channel", what, *descriptor.next);
    check_walk(what, tile, descriptor);
  }

  void check_walk(const std::string& what, Tile tile, const DescriptorSpec& descriptor) {
    const TileLimits& limits = limits_of(tile);
    if (descriptor.words == 0) say("{} moves nothing", what);
    if (!fits(descriptor.words, limits.length_bits))
      say("{} moves {} words, but its length has {} bits", what, descriptor.words, limits.length_bits);
    if (descriptor.offset % 4) say("{} starts at byte {}, which is no multiple of 4", what, descriptor.offset);
    uint64_t words = 1, last = 0;  // last: the farthest word
    for (const Dimension& dimension : descriptor.walk) {
      if (dimension.size == 0 || !fits(dimension.size, limits.size_bits))
        say("{} has a dimension of {}, but {} bits are for it", what, dimension.size, limits.size_bits);
      if (dimension.stride == 0 || !fits(dimension.stride - 1, limits.stride_bits))
        say("{} has a stride of {} words, but {} bits are for one less", what, dimension.stride, limits.stride_bits);
      words *= dimension.size;
      last += uint64_t{dimension.stride} * (std::max(1u, dimension.size) - 1);
    }
    if (descriptor.walk.empty()) last = uint64_t{std::max(1u, descriptor.words)} - 1;
    else if (words != descriptor.words) say("{} moves {} words, but its dimensions make {}", what, descriptor.words, words);
    if (descriptor.walk.size() > size_t(limits.dimensions))
      say("{} has {} dimensions, but {} are possible", what, descriptor.walk.size(), limits.dimensions);
    if (!known(descriptor.buffer, d_.buffers.size()))
      return say("{} names buffer {}, which the design does not have", what, descriptor.buffer);
    const BufferSpec& buffer = d_.buffers[descriptor.buffer];
    if (!(buffer.tile == tile)) say("{} reaches for buffer {} on {}", what, buffer.name, to_text(buffer.tile));
    if (descriptor.offset + (last + 1) * 4 > buffer.bytes)
      say("{} goes to byte {} of buffer {}, which has {}", what, descriptor.offset + (last + 1) * 4, buffer.name,
          buffer.bytes);
  }

  bool has_flow(const Port& port) {
    for (const FlowSpec& flow : d_.flows) {
      if (flow.from == port) return true;
      if (std::find(flow.to.begin(), flow.to.end(), port) != flow.to.end()) return true;
    }
    return false;
  }

  // Whether something makes or takes the words of a port.
  bool described(const Port& port) {
    for (const ChannelSpec& channel : d_.channels)
      if (channel.port == port) return true;
    for (const ShimSpec& shim : d_.shims)
      if (shim.port == port) return true;
    return false;
  }

  void check_flows() {
    std::vector<Port> seen;
    auto check_end = [&](const Port& port, Direction direction, const char* role) {
      if (!check_port(port)) return;
      if (port.direction != direction) say("{} cannot {} words", to_text(port), role);
      if (!described(port)) say("{} has a stream, but nothing drives it", to_text(port));
      if (std::find(seen.begin(), seen.end(), port) != seen.end()) say("{} has two streams", to_text(port));
      seen.push_back(port);
    };
    for (const FlowSpec& flow : d_.flows) {
      check_end(flow.from, Direction::mm2s, "send");
      if (flow.to.empty()) say("the stream of {} ends nowhere", to_text(flow.from));
      for (const Port& port : flow.to) check_end(port, Direction::s2mm, "receive");
    }
  }

  void check_shims() {
    for (size_t i = 0; i < d_.shims.size(); ++i) {
      const ShimSpec& shim = d_.shims[i];
      if (!check_port(shim.port)) continue;
      std::string what = fmt::format("{} ({})", shim.name, to_text(shim.port));
      if (kind_of(shim.port.tile) != TileKind::shim) say("{} does not reach the host's memory", what);
      if (shim.argument < 0 || shim.argument >= kArguments)
        say("{} is argument {}, but a run has {}", what, shim.argument, kArguments);
      if (!has_flow(shim.port)) say("{} is connected to no stream", what);
      for (size_t j = 0; j < i; ++j) {
        if (d_.shims[j].port == shim.port) say("{} has the channel of {}", what, d_.shims[j].name);
        if (d_.shims[j].name == shim.name) say("{} has the name of another channel", what);
      }
    }
  }

  void check_cores() {
    for (size_t i = 0; i < d_.cores.size(); ++i) {
      const CoreSpec& core = d_.cores[i];
      std::string what = to_text(core.tile);
      if (!in_array(what, core.tile)) continue;
      if (kind_of(core.tile) != TileKind::core) say("{} cannot run a program", what);
      for (size_t j = 0; j < i; ++j)
        if (d_.cores[j].tile == core.tile) say("{} has two programs", what);
      check_program(what, core);
    }
  }

  void check_program(const std::string& what, const CoreSpec& core) {
    std::vector<bool> loops;  // open ones: whether they may have no trips
    bool waits = false;
    for (const CoreStep& step : core.program) {
      switch (step.kind) {
        case CoreStep::Kind::acquire: waits |= std::ranges::count(loops, true) == 0; [[fallthrough]];
        case CoreStep::Kind::release: check_lock_use(what, core.tile, step.lock); break;
        case CoreStep::Kind::call: check_call(what, core.tile, step); break;
        case CoreStep::Kind::repeat:
          loops.push_back(!step.buffers.empty());
          check_trips(what, core.tile, step);
          break;
        case CoreStep::Kind::end:
          if (loops.empty()) return say("the program of {} ends a loop that it did not begin", what);
          loops.pop_back();
          break;
      }
    }
    if (!loops.empty()) say("the program of {} does not end {} of its loops", what, loops.size());
    if (!waits) say("the program of {} acquires no lock but where a loop may have no trips, so it may never rest", what);
  }

  void check_trips(const std::string& what, Tile tile, const CoreStep& step) {
    if (step.buffers.empty()) {
      if (step.trips == 0) say("{} has a loop of no trips", what);
      return;
    }
    const BufferSpec* buffer = buffer_of(what, tile, step.buffers[0]);
    if (buffer && (step.offset % 4 || uint64_t{step.offset} + 4 > buffer->bytes))
      say("{} reads its trips at byte {} of buffer {}, which has {}", what, step.offset, buffer->name, buffer->bytes);
  }

  const BufferSpec* buffer_of(const std::string& what, Tile tile, int index) {
    if (!known(index, d_.buffers.size())) {
      say("{} names buffer {}, which the design does not have", what, index);
      return nullptr;
    }
    const BufferSpec& buffer = d_.buffers[index];
    if (!(buffer.tile == tile)) say("{} reaches for buffer {} on {}", what, buffer.name, to_text(buffer.tile));
    return &buffer;
  }

  void check_call(const std::string& what, Tile tile, const CoreStep& step) {
    const kernels::Kernel* kernel = kernels::find(step.kernel);
    if (!kernel) return say("{} calls {}, which is no kernel of ours", what, step.kernel);
    if (kernel->arguments.size() != step.buffers.size())
      return say("{} calls {} with {} buffers, but it takes {}", what, step.kernel, step.buffers.size(),
                 kernel->arguments.size());
    for (size_t i = 0; i < step.buffers.size(); ++i) {
      const BufferSpec* buffer = buffer_of(what, tile, step.buffers[i]);
      if (buffer && buffer->bytes < kernel->arguments[i].bytes)
        say("{} gives {} the buffer {} of {} bytes, but it uses {}", what, step.kernel, buffer->name, buffer->bytes,
            kernel->arguments[i].bytes);
    }
  }

  // Who waits for what nobody tells waits for ever.
  void check_lock_partners() {
    std::vector<bool> acquired(d_.locks.size()), released(d_.locks.size());
    auto note = [&](std::vector<bool>& list, const LockUse& use) {
      if (known(use.lock, list.size())) list[use.lock] = true;
    };
    for (const ChannelSpec& channel : d_.channels)
      for (const DescriptorSpec& descriptor : channel.descriptors) {
        if (descriptor.acquire) note(acquired, *descriptor.acquire);
        if (descriptor.release) note(released, *descriptor.release);
      }
    for (const CoreSpec& core : d_.cores)
      for (const CoreStep& step : core.program) {
        if (step.kind == CoreStep::Kind::acquire) note(acquired, step.lock);
        if (step.kind == CoreStep::Kind::release) note(released, step.lock);
      }
    for (size_t i = 0; i < d_.locks.size(); ++i) {
      bool told = released[i] || d_.locks[i].by_stream;
      if (acquired[i] != told)
        say("lock {} on {} is {}", d_.locks[i].name, to_text(d_.locks[i].tile),
            told ? "released, but nobody acquires it" : "acquired, but nobody releases it");
    }
  }

  const DesignSpec& d_;
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> violations(const DesignSpec& design) { return Checker(design).run(); }

}  // namespace troika::npu
