#include "engine/cache_room.h"

#include <algorithm>
#include <limits>

#include "base/platform.h"

namespace troika::engine {

size_t room_for_caches(const Model& model, const Tape& tape) {
  const std::vector<int> devices = plan::devices_of_caches(tape.program, tape.placement);
  std::vector<size_t> shares(model.devices.size(), 0);
  size_t all = 0;
  for (size_t i = 0; i < devices.size(); ++i) {
    const size_t bytes = device::cache_page_bytes(tape.program.caches[i], model.kv_format);
    shares[size_t(devices[i])] += bytes;
    all += bytes;
  }
  double room = std::numeric_limits<double>::max(), most = 0;
  for (size_t d = 0; d < shares.size(); ++d) {
    const device::DeviceInfo& device = model.devices[d]->info();
    size_t free = device.free_bytes.value_or(platform::memory().available_bytes);
    free -= std::min(free, device.bytes_put_off);
    if (shares[d] == 0) continue;
    room = std::min(room, double(free) * double(all) / double(shares[d]));
    most = std::max(most, double(free));  // it may be the same memory for all
  }
  return size_t(std::min(room, most));
}

}  // namespace troika::engine
