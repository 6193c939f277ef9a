// What the array of XDNA1 (Phoenix, Hawk Point) offers: tiles by row, and the limits of each kind. Facts of AMD's AM020 and
// of the driver's register lists; docs/npu.md has the sources.
#pragma once

#include <cstdint>

namespace troika::npu {

constexpr int kColumns = 4;       // the fifth has no way to memory
constexpr int kRows = 6;          // 0: shim, 1: memory tile, 2 to 5: cores
constexpr int kFirstCoreRow = 2;
constexpr int kCoreRows = kRows - kFirstCoreRow;
constexpr int kArguments = 5;       // buffers that one run can be given
constexpr int kQueuedTasks = 4;     // that a shim channel holds, the running one among them
constexpr int kTaskRepeats = 256;   // of one task: the register holds one less in 8 bits
constexpr int kLockMax = 63;        // a semaphore's largest value
constexpr uint32_t kVectorBytes = 32;  // alignment of what cores load in vectors

// Column and row, as the instruction stream counts them: from the partition's first column.
struct Tile {
  int column = 0, row = 0;
  bool operator==(const Tile&) const = default;
};

constexpr int number_of(Tile tile) { return tile.column * kRows + tile.row; }

enum class TileKind { shim, memory, core };
constexpr TileKind kind_of(Tile tile) {
  return tile.row == 0 ? TileKind::shim : tile.row == 1 ? TileKind::memory : TileKind::core;
}

// Widths in bits of a buffer descriptor's fields bound what it can say. Lengths and strides count 32-bit words.
struct TileLimits {
  const char* name;
  uint32_t memory_bytes;
  int locks, descriptors;
  int channels;     // each way
  int dimensions;   // of a descriptor's walk
  int length_bits, stride_bits, size_bits;
};

constexpr TileLimits kShimLimits{"shim tile", 0, 16, 16, 2, 3, 32, 20, 10};
constexpr TileLimits kMemoryLimits{"memory tile", 512 * 1024, 64, 48, 6, 4, 17, 17, 10};
constexpr TileLimits kCoreLimits{"core", 64 * 1024, 16, 16, 2, 3, 14, 13, 8};

constexpr const TileLimits& limits_of(Tile tile) {
  switch (kind_of(tile)) {
    case TileKind::shim: return kShimLimits;
    case TileKind::memory: return kMemoryLimits;
    case TileKind::core: return kCoreLimits;
  }
  return kShimLimits;
}

// A memory tile's even channels reach the lower half of its descriptors, odd ones the upper half.
constexpr bool reaches(Tile tile, int channel, int descriptor) {
  if (kind_of(tile) != TileKind::memory) return true;
  return (channel % 2 == 1) == (descriptor >= kMemoryLimits.descriptors / 2);
}

}  // namespace troika::npu
