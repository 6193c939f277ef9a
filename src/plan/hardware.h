// A machine as the planner knows it: what its devices can do alone, what it costs to go from one to another, what they take
// from each other on the bus that they share, how much memory there is. Every number carries where it comes from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troika::plan {

enum class Source : uint8_t {
  measured,  // on this machine, by `troika bench calibrate`
  reported,  // measured by others, on a machine of this kind
  computed,  // from a specification
  assumed,
};
std::string_view name_of(Source source);

struct Figure {
  double value = 0;
  Source source = Source::assumed;
  std::string from;  // a sentence: who measured it, what it was computed of
};

// How fast work of one kind goes, by the rows of a step and, of products, by the size of the matrix: a small one is done before
// a large device has come to its speed. What an op takes whatever its size is its launch (DeviceCosts), not part of this.
struct Speed {
  struct Point {
    int rows;
    double per_s;
  };
  struct Size {
    double weights = 0;         // values of the matrix; 0: of any size
    std::vector<Point> points;  // rows ascending

    double at(int rows) const;  // between two points a power law of the rows; beyond the last one the nearest counts
  };
  std::string work;  // a weight format, "q4_k": products, operations a second (a multiply-add is two);
                     // "attention": operations a second; "rows": all other ops, bytes read and written a second
  std::vector<Size> sizes;  // weights ascending
  Source source = Source::assumed;
  std::string from;

  // Time grows evenly from one size to the next, and from nothing to the first; beyond the last its speed counts.
  double at(int rows, double weights) const;
};
Speed flat_speed(std::string work, double per_s, Source source, std::string from);  // whatever the rows and the size

// One device alone. It does an op when it has a speed for it: one without "rows" does products only.
struct DeviceCosts {
  std::string name;         // as --device spells it: "vulkan"
  std::string description;  // "Radeon 780M"
  Figure read_bytes_per_s;  // of memory
  Figure submit_s;          // handing over a stretch of tape and waiting for it
  Figure launch_s;          // of each op of the tape, besides what it reads and computes
  int granule = 1;          // rows are computed in multiples of it
  int weight_bits = 1;      // that a value of a matrix takes there at least: an NPU makes int8 of 4 bits
  Figure watts;             // of the package, at full load beyond idle; 0: unknown
  std::vector<Speed> speeds;

  // Of products: the format's own or, where there is none, that of the format nearest in bits. Null: it does no such work.
  const Speed* speed(std::string_view work) const;
};

// From one device to another.
struct Pair {
  std::string from, to;
  Figure copy_bytes_per_s;  // of tensors that cross; 0: they lie in memory that both read
  Figure slowed;            // share of its speed that `from` loses while `to` works: 0.15
};

struct Memory {
  Figure bytes;     // of the system, without what the firmware carved out
  Figure gtt;       // of these, what the GPU may map; 0: all or, where it has memory of its own, nothing
  Figure carved;    // the GPU's own: carved out by the firmware, or on its card
  Figure reserved;  // for the system, other programs and the page cache
};

// What no software can exceed, for the founding targets (targets.h).
struct Bounds {
  Figure read_bytes_per_s;  // of the bus
  Figure matrix;            // operations a second of the matrix units, as far as good kernels reach
};

struct Hardware {
  std::string name, description;
  std::vector<DeviceCosts> devices;
  std::vector<Pair> pairs;  // both ways, of any two devices
  Memory memory;
  Bounds bounds;

  const Pair* find_pair(std::string_view from, std::string_view to) const;  // null: it is missing
  const Pair& pair(size_t from, size_t to) const;       // in a whole machine
};

// "phoenix-ddr5", "phoenix-lpddr5x": Ryzen 7040 and 8040 with a Radeon 780M and the NPU. No such machine was at hand:
// nothing of them is measured by us.
std::span<const std::string_view> built_in_names();
std::optional<Hardware> built_in(std::string_view name);

// `kept` with what was measured of `news`: its devices, with only those speeds that it has, its pairs, its memory.
Hardware merged(Hardware kept, const Hardware& news);

// JSON (docs/plan.md). Throws Error that names the file and the field.
inline constexpr int kHardwareVersion = 2;  // of the JSON: 2 has speeds by the size of matrices
inline constexpr size_t kMostDevices = 8;   // the planner tries all sets of them
std::string to_json(const Hardware& hardware);
Hardware hardware_from_json(std::string_view text, std::string_view name_of_file);

}  // namespace troika::plan
