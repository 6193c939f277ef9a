// What designs are put together with: buffers, locks and descriptors get the next free address and number of their tile.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "npu/design/spec.h"

namespace troika::npu {

constexpr uint32_t kStackBytes = 2048;      // of each core
constexpr uint32_t kParameterBytes = 32;    // that a stream writes into each core

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
  explicit Builder(DesignSpec& design) : design_(design) {}

  int add_buffer(std::string name, Tile tile, uint32_t bytes);
  int add_lock(std::string name, Tile tile, int initial, bool by_stream = false);
  Fifo add_fifo(const std::string& name, Tile tile, int depth, uint32_t bytes);
  // A channel that goes round over `fifos`: the first buffer of each, then the second of each; so many bytes of each.
  void add_channel(const Port& port, const std::vector<Fifo>& fifos, uint32_t bytes);

 private:
  struct Place {
    uint32_t next_byte = 0;
    int next_lock = 0;
    std::map<bool, int> next_descriptor;  // by half of a memory tile
  };
  Place& place_of(Tile tile);
  int next_descriptor(const Port& port);

  DesignSpec& design_;
  std::map<int, Place> places_;  // by number of the tile
};

// The steps of a core's program, one behind the other.
struct Program {
  std::vector<CoreStep> steps;

  void acquire(int lock) { steps.push_back({.kind = CoreStep::Kind::acquire, .lock = {lock}}); }
  void release(int lock) { steps.push_back({.kind = CoreStep::Kind::release, .lock = {lock}}); }
  void call(const std::string& kernel, std::vector<int> buffers) {
    steps.push_back({.kind = CoreStep::Kind::call, .kernel = kernel, .buffers = std::move(buffers)});
  }
  // As often as a word of a buffer says.
  void repeat(int buffer, uint32_t offset) {
    steps.push_back({.kind = CoreStep::Kind::repeat, .buffers = {buffer}, .offset = offset});
  }
  void end() { steps.push_back({.kind = CoreStep::Kind::end}); }
};

}  // namespace troika::npu
