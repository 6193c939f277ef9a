#include "base/platform.h"

#include <malloc.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

namespace troika::platform {
namespace {

std::optional<size_t> first_number(const char* path) {
  std::ifstream in(path);
  size_t number = 0;
  if (in >> number) return number;
  return std::nullopt;
}

// Cores, not hardware threads: two threads of one core share its vector units, which is all we use.
int usable_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
  std::set<std::pair<size_t, size_t>> cores;
  int threads = 0;
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (!CPU_ISSET(i, &allowed)) continue;
    ++threads;
    std::string topology = "/sys/devices/system/cpu/cpu" + std::to_string(i) + "/topology/";
    auto package = first_number((topology + "physical_package_id").c_str());
    auto core = first_number((topology + "core_id").c_str());
    if (package && core) cores.emplace(*package, *core);
  }
  int count = cores.empty() ? threads : static_cast<int>(cores.size());
  std::ifstream quota_file("/sys/fs/cgroup/cpu.max");  // "max 100000" or "QUOTA PERIOD" in microseconds
  double quota = 0, period = 0;
  if (quota_file >> quota >> period && period > 0) count = std::min(count, std::max(1, int(quota / period)));
  return std::max(1, count);
}

// What the control group holds of files: the kernel drops it when memory is wanted.
size_t cached_file_bytes() {
  std::ifstream in("/sys/fs/cgroup/memory.stat");
  std::string key;
  size_t total = 0;
  for (size_t bytes = 0; in >> key >> bytes;) {
    if (key == "active_file" || key == "inactive_file") total += bytes;
  }
  return total;
}

std::string cpu_name() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown CPU";
}

}  // namespace

const Cpu& cpu() {
  static const Cpu found = [] {
    Cpu cpu{.name = cpu_name(), .cores = usable_cores()};
#if defined(__x86_64__)
    cpu.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    cpu.avx512 = cpu.avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                 __builtin_cpu_supports("avx512vnni");
#endif
    return cpu;
  }();
  return found;
}

Memory memory() {
  Memory memory;
  std::ifstream in("/proc/meminfo");
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string key;
    size_t kib = 0;
    fields >> key >> kib;
    if (key == "MemTotal:") memory.total_bytes = kib << 10;
    if (key == "MemAvailable:") memory.available_bytes = kib << 10;
  }
  if (auto limit = first_number("/sys/fs/cgroup/memory.max")) {
    size_t used = first_number("/sys/fs/cgroup/memory.current").value_or(0);
    used -= std::min(used, cached_file_bytes());
    memory.total_bytes = std::min(memory.total_bytes, *limit);
    memory.available_bytes = std::min(memory.available_bytes, *limit > used ? *limit - used : 0);
  }
  return memory;
}

size_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  size_t total = 0, resident = 0;
  in >> total >> resident;
  return resident * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

void give_back_memory() {
#if defined(__GLIBC__)
  ::malloc_trim(0);
#endif
}

}  // namespace troika::platform
