#include "npu/runtime/calibrate.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "npu/cost/calibration.h"
#include "npu/txn/operations.h"

namespace troika::npu {
namespace {

constexpr double kMostSeconds = 0.2;  // for one of the measurements below
constexpr int kM = 512, kN = 2048;    // whole blocks of every tile
constexpr int kShortK = 512, kLongK = 2048;

// The kernel's uapi/drm/amdxdna_accel.h: DRM_IOCTL_AMDXDNA_GET_INFO and DRM_AMDXDNA_QUERY_CLOCK_METADATA.
struct ClockQuestion {
  uint32_t what = 3;
  uint32_t bytes;
  uint64_t answer;
};
struct Clocks {
  struct {
    char name[16];
    uint32_t mhz, padding;
  } controller, array;
};
constexpr unsigned long kGetInfo = _IOWR('d', 0x40 + 7, ClockQuestion);

std::optional<double> ask_clock(const std::string& node) {
  const int fd = open(node.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  Clocks clocks{};
  ClockQuestion question{.bytes = sizeof(clocks), .answer = reinterpret_cast<uint64_t>(&clocks)};
  const bool answered = ioctl(fd, kGetInfo, &question) == 0;
  close(fd);
  return answered && clocks.array.mhz > 0 ? std::optional(clocks.array.mhz / 1000.0) : std::nullopt;
}

// The shortest of as many runs as the time allows.
double seconds_of(ArrayStream stream, std::span<const ArrayBuffer* const> arguments) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  double shortest = 1e9;
  do {
    const Clock::time_point start = Clock::now();
    stream.start(arguments);
    stream.wait();
    shortest = std::min(shortest, std::chrono::duration<double>(Clock::now() - start).count());
  } while (std::chrono::duration<double>(Clock::now() - begin).count() < kMostSeconds);
  return shortest;
}

double seconds_of_product(const GemmContext& context, int k) {
  const Product product(context, {kM, kN, k});
  const ArrayBuffer w = context.array.allocate(kArgumentW, packed_w_bytes(product.tile, product.shape));
  product.x.to_device(0, product.x.size());
  w.to_device(0, w.size());
  const ArrayBuffer* arguments[] = {&product.x, &w, &product.y};
  return seconds_of(product.stream, arguments);
}

// X for each block of columns, W for each block of rows.
double bytes_read(const GemmTile& tile, int k) {
  const GemmShape shape{kM, kN, k};
  return double(packed_x_bytes(tile, shape)) * (kN / tile.block_n()) +
         double(packed_w_bytes(tile, shape)) * (kM / tile.block_m());
}

}  // namespace

Measured calibrate(const GemmArray& array, const std::string& node) {
  Measured measured{.clock_ghz = ask_clock(node)};
  measured.launch_us = 1e6 * seconds_of(array.context(kW8A8).array.prepare(txn::encode({})), {});
  const double hertz = 1e9 * measured.clock_ghz.value_or(1.0);
  for (const GemmContext& context : array.contexts) {
    const double quick = seconds_of_product(context, kShortK), slow = seconds_of_product(context, kLongK);
    const double macs = double(kM) * kN * (kLongK - kShortK);
    const double each_cycle = context.design.tile.unit().products_per_cycle * kColumns * kCoreRows;
    measured.efficiency[context.design.spec.name] = macs / (each_cycle * hertz * (slow - quick));
    measured.read_gb_s = std::max(measured.read_gb_s, bytes_read(context.design.tile, kLongK) / slow / 1e9);
  }
  return measured;
}

}  // namespace troika::npu
