// A design: all that is fixed when the array is configured. It is the only truth about it: the checker, the instruction
// streams and the simulator read nothing else, and the text that a real array is to be configured from (mlir.h) neither.
// Things refer to each other by their index in the lists of DesignSpec.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "npu/design/hardware.h"

namespace troika::npu {

struct BufferSpec {
  std::string name;
  Tile tile;
  uint32_t address = 0, bytes = 0;  // in the tile's memory
};

// A counting semaphore: acquiring waits for a value of at least n and takes n, releasing adds n.
struct LockSpec {
  std::string name;
  Tile tile;
  int number = 0, initial = 0;
  bool by_stream = false;  // released by the instruction stream
};

struct LockUse {
  int lock = 0, value = 1;
};

// From memory into a stream, or from a stream to memory.
enum class Direction { s2mm, mm2s };

struct Port {
  Tile tile;
  Direction direction = Direction::s2mm;
  int channel = 0;
  bool operator==(const Port&) const = default;
};

struct Dimension {
  uint32_t size = 1, stride = 1;  // in words
};

// A buffer descriptor: which bytes go in which order, and what is waited for and told.
struct DescriptorSpec {
  int number = 0;
  int buffer = 0;
  uint32_t offset = 0;  // bytes into the buffer
  uint32_t words = 0;
  std::vector<Dimension> walk;  // innermost first; empty: one word after the other
  std::optional<LockUse> acquire, release;
  std::optional<int> next;  // number of the descriptor that follows; none: the channel stops
};

// A channel of a memory tile or a core. It starts with its first descriptor when the array is configured.
struct ChannelSpec {
  Port port;
  std::vector<DescriptorSpec> descriptors;
};

// A circuit-switched stream. All receivers get every word; the slowest sets the pace.
struct FlowSpec {
  Port from;
  std::vector<Port> to;
};

// A channel of a shim tile, which instruction streams drive.
struct ShimSpec {
  std::string name;
  Port port;
  int argument = 0;  // of the run: the buffer in the host's memory
};

// A step of a core's program. `repeat` and `end` enclose a loop, whose trips are fixed or lie in a word of a buffer.
struct CoreStep {
  enum class Kind { acquire, release, call, repeat, end } kind;
  LockUse lock;              // acquire, release
  std::string kernel;        // call: a row of kernels/catalogue.h
  std::vector<int> buffers;  // call: its arguments; repeat: the buffer that holds the trips, if any
  uint32_t trips = 0;        // repeat, without a buffer
  uint32_t offset = 0;       // repeat, with one: bytes into it
};

struct CoreSpec {
  Tile tile;
  uint32_t stack_bytes = 0;  // at address 0
  std::vector<CoreStep> program;  // runs for ever
};

struct DesignSpec {
  std::string name;
  std::vector<BufferSpec> buffers;
  std::vector<LockSpec> locks;
  std::vector<ChannelSpec> channels;
  std::vector<FlowSpec> flows;
  std::vector<ShimSpec> shims;
  std::vector<CoreSpec> cores;
};

// "core (1,2)", "MM2S 0 of memory tile (1,1)": column, then row.
std::string to_text(Tile tile);
std::string to_text(const Port& port);

}  // namespace troika::npu
