#include "apps/hardware.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string_view>

namespace troika::apps {
namespace {

namespace fs = std::filesystem;

struct Vendor {
  std::string_view number, name;
};
constexpr Vendor kVendors[] = {{"1002", "AMD"},   {"1022", "AMD"},    {"10de", "NVIDIA"},
                               {"8086", "Intel"}, {"1af4", "virtio"}, {"1234", "Bochs VGA"},
                               {"15ad", "VMware"}};

constexpr std::string_view kAmdNpus[] = {"1022:1502", "1022:17f0"};  // XDNA of the 7040/8040; XDNA 2

// "0x1002" in a file becomes "1002".
std::string number_in(const fs::path& file) {
  std::ifstream in(file);
  std::string text;
  in >> text;
  return text.starts_with("0x") ? text.substr(2) : text;
}

Accelerator read_device(const fs::path& device) {
  Accelerator found;
  std::string vendor = number_in(device / "vendor");
  auto known = std::find_if(std::begin(kVendors), std::end(kVendors),
                            [&](const Vendor& v) { return v.number == vendor; });
  found.vendor = known != std::end(kVendors) ? std::string(known->name) : vendor.empty() ? "unknown" : vendor;
  if (!vendor.empty()) found.pci_id = vendor + ":" + number_in(device / "device");
  std::error_code error;
  fs::path driver = fs::read_symlink(device / "driver", error);
  if (!error) found.driver = driver.filename().string();
  return found;
}

std::vector<fs::path> entries(const fs::path& folder, std::string_view prefix) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().filename().string().starts_with(prefix)) found.push_back(it->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<Accelerator> nodes(const fs::path& root, const char* sysfs, std::string_view prefix,
                               const char* dev) {
  std::vector<Accelerator> found;
  for (const fs::path& entry : entries(root / sysfs, prefix)) {
    Accelerator one = read_device(entry / "device");
    fs::path node = root / dev / entry.filename();
    one.node = (fs::path("/") / dev / entry.filename()).string();
    one.present = ::access(node.c_str(), F_OK) == 0;
    one.accessible = ::access(node.c_str(), R_OK | W_OK) == 0;
    found.push_back(std::move(one));
  }
  return found;
}

}  // namespace

std::vector<Accelerator> find_gpus(const fs::path& root) {
  return nodes(root, "sys/class/drm", "renderD", "dev/dri");
}

std::vector<Accelerator> find_npus(const fs::path& root) {
  std::vector<Accelerator> found = nodes(root, "sys/class/accel", "accel", "dev/accel");
  for (const fs::path& entry : entries(root / "sys/bus/pci/devices", "")) {
    Accelerator one = read_device(entry);
    bool npu = std::find(std::begin(kAmdNpus), std::end(kAmdNpus), one.pci_id) != std::end(kAmdNpus);
    if (npu && one.driver.empty()) found.push_back(std::move(one));
  }
  return found;
}

}  // namespace troika::apps
