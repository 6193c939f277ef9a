#include "base/platform.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <malloc.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

namespace troika::platform {
namespace {

namespace fs = std::filesystem;

constexpr int kMostThreads = 8192;  // Linux's own limit on x86

std::optional<size_t> first_number(const fs::path& path) {
  std::ifstream in(path);
  size_t number = 0;
  if (in >> number) return number;
  return std::nullopt;
}

// "0-3,8,10-11", as the kernel writes sets; empty when the file is missing or is no such list.
std::vector<int> number_list(const fs::path& path) {
  std::ifstream in(path);
  std::vector<int> numbers;
  for (int first = 0; in >> first;) {
    int last = first;
    if (in.peek() == '-') in.ignore() >> last;
    if (!in || first < 0 || last >= kMostThreads) return {};
    for (int i = first; i <= last; ++i) numbers.push_back(i);
    if (in.peek() != ',') break;
    in.ignore();
  }
  return numbers;
}

// --- control groups

// The folders whose files may limit us: our group's and those of all groups above it, in either version. What is not
// mounted here is simply not found. Inside a container the path may be one of the host's: then only the hierarchy's
// own folder is there, and that one is the container's.
std::vector<fs::path> group_folders(const fs::path& root, const std::string& controller) {
  fs::path base = root / "sys/fs/cgroup";
  std::vector<fs::path> folders{base};  // version 2 without /proc/self/cgroup
  std::ifstream in(root / "proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {  // "0::/user.slice/a.scope" or "4:cpu,cpuacct:/a"
    size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::string controllers = line.substr(first + 1, second - first - 1);
    std::vector<fs::path> mounts{base, base / "unified"};
    if (!controllers.empty()) mounts = {base / controllers, base / controller};
    bool ours = controllers.empty() || ("," + controllers + ",").find("," + controller + ",") != std::string::npos;
    if (!ours) continue;
    for (const fs::path& mount : mounts) {
      fs::path folder = mount;
      folders.push_back(folder);
      for (const fs::path& part : fs::path(line.substr(second + 1)).relative_path()) {
        if (part == "..") break;
        folders.push_back(folder /= part);
      }
    }
  }
  return folders;
}

// Cores' worth of time that a group may use; nothing: no limit.
std::optional<double> quota_in(const fs::path& folder) {
  std::ifstream both(folder / "cpu.max");
  std::ifstream v1_quota(folder / "cpu.cfs_quota_us"), v1_period(folder / "cpu.cfs_period_us");
  double quota = 0, period = 0;
  bool limited = (both >> quota >> period) || (v1_quota >> quota && v1_period >> period);  // "max 100000" is no number
  if (!limited || quota <= 0 || period <= 0) return std::nullopt;  // version 1 says -1 for no limit
  return quota / period;
}

// What a control group holds of files: the kernel drops it when memory is wanted.
size_t cached_file_bytes(const fs::path& folder) {
  std::ifstream in(folder / "memory.stat");
  std::map<std::string, size_t> found;
  std::string key;
  for (size_t bytes = 0; in >> key >> bytes;) found[key] = bytes;
  bool first_version = found.contains("total_inactive_file");  // with the groups below it, as its usage is
  std::string prefix = first_version ? "total_" : "";
  return found[prefix + "active_file"] + found[prefix + "inactive_file"];
}

// --- cores

struct Core {
  int node, package, first;  // in this order; `first`: its lowest hardware thread, allowed or not
  auto operator<=>(const Core&) const = default;
};

// A core is known by the list of its hardware threads; core ids are unique inside a die only.
Core core_of(const fs::path& system, int thread, const std::map<int, int>& nodes) {
  fs::path topology = system / ("cpu/cpu" + std::to_string(thread)) / "topology";
  std::vector<int> siblings = number_list(topology / "core_cpus_list");
  if (siblings.empty()) siblings = number_list(topology / "thread_siblings_list");  // before Linux 5.3
  auto node = nodes.find(thread);
  return {.node = node == nodes.end() ? 0 : node->second,
          .package = static_cast<int>(first_number(topology / "physical_package_id").value_or(0)),
          .first = siblings.empty() ? thread : siblings.front()};
}

std::map<int, int> nodes_of_threads(const fs::path& system) {
  std::map<int, int> nodes;
  for (int node : number_list(system / "node/online")) {
    for (int thread : number_list(system / ("node/node" + std::to_string(node)) / "cpulist")) nodes[thread] = node;
  }
  return nodes;
}

std::vector<int> affinity() {
  cpu_set_t set[kMostThreads / CPU_SETSIZE] = {};
  std::vector<int> allowed;
  if (::sched_getaffinity(0, sizeof set, set) < 0) return {0};
  for (int i = 0; i < kMostThreads; ++i) {
    if (CPU_ISSET_S(i, sizeof set, set)) allowed.push_back(i);
  }
  return allowed;
}

std::string cpu_name() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown CPU";
}

#if defined(__x86_64__)
// Not by __builtin_cpu_supports: clang 16 does not know the name. That the system keeps the registers, AVX2 says.
bool has_f16c() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}
#endif

}  // namespace

// Cores, not hardware threads: two threads of one core share its vector units, which is all we use.
Cores find_cores(const fs::path& root, std::span<const int> allowed) {
  fs::path system = root / "sys/devices/system";
  std::map<int, int> nodes = nodes_of_threads(system);
  std::map<Core, std::vector<int>> by_core;
  for (int thread : allowed) by_core[core_of(system, thread, nodes)].push_back(thread);
  if (by_core.empty()) by_core[{}] = {0};

  Cores cores{.threads = {}, .numa_nodes = 0};
  int last_node = -1;
  for (auto& [core, threads] : by_core) {
    cores.numa_nodes += core.node != last_node;
    last_node = core.node;
    cores.threads.push_back(std::move(threads));
  }
  int count = static_cast<int>(cores.threads.size());
  for (const fs::path& folder : group_folders(root, "cpu")) {
    auto quota = quota_in(folder);
    if (quota && (cores.quota == 0 || *quota < cores.quota)) cores.quota = *quota;
  }
  // Rounded down: threads that wait for each other would all stand still while the last part of a core is paid back.
  if (cores.quota > 0) count = std::max(1, static_cast<int>(std::min<double>(count, cores.quota)));
  cores.usable = count;
  std::vector<int> online = number_list(system / "cpu/online");
  bool all_threads = std::vector<int>(allowed.begin(), allowed.end()) == online;
  cores.restricted = !all_threads || count < static_cast<int>(cores.threads.size());
  return cores;
}

const Cpu& cpu() {
  static const Cpu found = [] {
    Cpu cpu{.name = cpu_name(), .topology = find_cores("/", affinity())};
    cpu.cores = cpu.topology.usable;
#if defined(__x86_64__)
    cpu.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
    cpu.avx512 = cpu.avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                 __builtin_cpu_supports("avx512vnni");
#endif
    return cpu;
  }();
  return found;
}

Memory find_memory(const fs::path& root) {
  Memory memory;
  std::ifstream in(root / "proc/meminfo");
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string key;
    size_t kib = 0;
    fields >> key >> kib;
    if (key == "MemTotal:") memory.total_bytes = kib << 10;
    if (key == "MemAvailable:") memory.available_bytes = kib << 10;
  }
  for (const fs::path& folder : group_folders(root, "memory")) {
    // memory.high does not refuse memory; it slows its group down until some is given back, to the same effect.
    for (const char* name : {"memory.max", "memory.high", "memory.limit_in_bytes"}) {
      auto limit = first_number(folder / name);
      if (!limit) continue;
      size_t used = first_number(folder / "memory.current")
                        .value_or(first_number(folder / "memory.usage_in_bytes").value_or(0));
      used -= std::min(used, cached_file_bytes(folder));
      memory.total_bytes = std::min(memory.total_bytes, *limit);
      memory.available_bytes = std::min(memory.available_bytes, *limit > used ? *limit - used : 0);
    }
  }
  return memory;
}

Memory memory() { return find_memory("/"); }

bool pin_this_thread(std::span<const int> threads) {
  cpu_set_t set[kMostThreads / CPU_SETSIZE] = {};  // a thread that begins beside a step allocates nothing
  for (int thread : threads) {
    if (thread < 0 || thread >= kMostThreads) return false;
    CPU_SET_S(thread, sizeof set, set);
  }
  return ::sched_setaffinity(0, sizeof set, set) == 0;
}

size_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  size_t total = 0, resident = 0;
  in >> total >> resident;
  return resident * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

size_t allow_open_files(size_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur < wanted) {
    const rlimit raised{.rlim_cur = std::min<rlim_t>(wanted, limit.rlim_max), .rlim_max = limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return limit.rlim_cur;
}

void give_back_memory() {
#if defined(__GLIBC__)
  ::malloc_trim(0);
#endif
}

}  // namespace troika::platform
