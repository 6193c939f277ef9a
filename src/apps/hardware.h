// The accelerators that this machine shows to user programs, as sysfs tells it. Nothing is opened or run.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace troika::apps {

struct Accelerator {
  std::string node;         // "/dev/dri/renderD128"; "" when the kernel made none
  std::string vendor;       // "AMD", or its PCI number
  std::string pci_id;       // "1002:15bf", "" when it is no PCI device
  std::string driver;       // "amdgpu", "" when none is bound
  bool present = false;     // the node is there
  bool accessible = false;  // we may read and write it
};

// Everything below `root` ("/" but in tests): sys/class/drm/renderD*, and dev/dri beside it.
std::vector<Accelerator> find_gpus(const std::filesystem::path& root);

// sys/class/accel/accel*, and AMD's NPUs on the PCI bus that have no driver.
std::vector<Accelerator> find_npus(const std::filesystem::path& root);

}  // namespace troika::apps
