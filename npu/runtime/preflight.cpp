#include "npu/runtime/preflight.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <optional>

namespace troika::npu {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kVendor = "0x1022", kPhoenix = "0x1502", kStrix = "0x17f0";
constexpr size_t kOwnMemory = size_t{128} << 20;  // of the driver's user part: 64 MB of them for instructions
constexpr int kIpcLock = 14;                      // the capability to lock memory without a limit

constexpr std::string_view kGroupCure = "type: sudo usermod -aG render \"$USER\", then log in again";
constexpr std::string_view kMemlockCure =
    "type: echo '* - memlock unlimited' | sudo tee /etc/security/limits.d/99-npu.conf, then log in again (a service: "
    "LimitMEMLOCK=infinity; a container: --ulimit memlock=-1)";

std::string first_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

// What follows `key` in the line of `file` that begins with it.
std::string after(const fs::path& file, std::string_view key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(key)) return line.substr(std::min(line.size(), line.find_first_not_of(" \t", key.size())));
  return "";
}

std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) found.push_back(it->path());
  std::ranges::sort(found);
  return found;
}

// Empty: none.
fs::path find_npu(const fs::path& root, std::string_view device) {
  for (const fs::path& entry : entries(root / "sys/bus/pci/devices"))
    if (first_line(entry / "vendor") == kVendor && first_line(entry / "device") == device) return entry;
  return {};
}

// "Max locked memory  8388608  8388608  bytes"; nothing: no limit.
std::optional<size_t> memlock_limit(const fs::path& root) {
  const bool is_exempt = std::strtoull(after(root / "proc/self/status", "CapEff:").c_str(), nullptr, 16) >> kIpcLock & 1;
  const std::string text = after(root / "proc/self/limits", "Max locked memory");
  size_t bytes = 0;
  const bool is_number = std::from_chars(text.data(), text.data() + text.size(), bytes).ec == std::errc();
  return is_exempt || !is_number ? std::nullopt : std::optional(bytes);
}

Finding about_memlock(const fs::path& root, size_t weight_bytes) {
  const std::optional<size_t> limit = memlock_limit(root);
  if (!limit) return {"memlock", true, "unlimited"};
  const size_t needed = weight_bytes + kOwnMemory;
  if (*limit >= needed) return {"memlock", true, fmt::format("{} MB", *limit >> 20)};
  return {"memlock", false,
          fmt::format("{} MB may be locked, but the NPU needs {} MB; {}", *limit >> 20, needed >> 20, kMemlockCure)};
}

Finding about_iommu(const fs::path& npu) {
  if (fs::exists(npu / "iommu_group")) return {"IOMMU", true, "on"};
  return {"IOMMU", false,
          "the IOMMU is off, through which the NPU reads memory; switch it on in the BIOS (IOMMU, AMD-Vi), and start Linux "
          "without amd_iommu=off and iommu=off"};
}

Finding about_driver(const fs::path& root, const fs::path& npu) {
  const std::string kernel = first_line(root / "proc/sys/kernel/osrelease");
  std::error_code none;
  const std::string driver = fs::read_symlink(npu / "driver", none).filename().string();
  if (driver == "amdxdna") return {"driver", true, fmt::format("amdxdna, Linux {}", kernel)};
  if (!driver.empty())
    return {"driver", false, fmt::format("the driver {} has the NPU; unbind it there, then: sudo modprobe amdxdna", driver)};
  return {"driver", false,
          fmt::format("no driver is bound (Linux {}); type: sudo modprobe amdxdna; if there is no such module, Linux 6.14 "
                      "has it, or https://github.com/amd/xdna-driver", kernel)};
}

// A driver without firmware makes no node.
Finding about_firmware(const fs::path& root, const fs::path& npu, bool has_node) {
  const std::string version = first_line(npu / "fw_version");
  if (has_node) return {"firmware", true, version.empty() ? "loaded, of unknown version" : version};
  const bool is_there = !entries(root / "lib/firmware/amdnpu/1502_00").empty();
  return {"firmware", false,
          is_there ? "the driver did not start the NPU; sudo dmesg | grep amdxdna says why (firmware 1.5.5.391 is known to "
                     "work)"
                   : "/lib/firmware/amdnpu/1502_00 is missing; install your distribution's newest linux-firmware, then "
                     "start anew"};
}

Finding about_node(const fs::path& root, const std::string& node) {
  const fs::path file = root / node.substr(1);
  if (!fs::exists(file))
    return {"node", false, fmt::format("{} is not here; in a container pass it in: --device {}", node, node)};
  if (faccessat(AT_FDCWD, file.c_str(), R_OK | W_OK, AT_EACCESS) != 0)
    return {"node", false, fmt::format("{} is not ours to read and write; {}", node, kGroupCure)};
  return {"node", true, node};
}

}  // namespace

const Finding* Preflight::first_fault() const {
  const auto found = std::ranges::find(findings, false, &Finding::is_ready);
  return found == findings.end() ? nullptr : &*found;
}

Preflight preflight(const fs::path& root, size_t weight_bytes) {
  const fs::path npu = find_npu(root, kPhoenix);
  if (npu.empty()) {
    const bool is_newer = !find_npu(root, kStrix).empty();
    return {{{"NPU", false,
              is_newer ? "the NPU here is an XDNA 2 (1022:17f0), for which Troika has no designs"
                       : "there is no NPU 1022:1502 on the PCI bus; a Ryzen 7040 or 8040 has one, which the BIOS may have "
                         "switched off (IPU, NPU, AI engine)"}},
            ""};
  }
  Preflight found{{{"NPU", true, fmt::format("1022:1502 at {}", npu.filename().string())}, about_driver(root, npu)}, ""};
  if (found.findings.back().is_ready) {
    const std::vector<fs::path> nodes = entries(npu / "accel");
    found.findings.push_back(about_firmware(root, npu, !nodes.empty()));
    if (!nodes.empty()) {
      found.node = "/dev/accel/" + nodes[0].filename().string();
      found.findings.push_back(about_node(root, found.node));
    }
  }
  found.findings.push_back(about_iommu(npu));
  found.findings.push_back(about_memlock(root, weight_bytes));
  return found;
}

std::string_view cure_of(int error) {
  switch (std::abs(error)) {
    case EAGAIN: return kMemlockCure;
    case EACCES:
    case EPERM: return kGroupCure;
  }
  return "";
}

}  // namespace troika::npu
