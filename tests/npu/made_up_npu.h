// A machine with an NPU, as the kernel's files show it, and the folder of a plug-in with its overlays. Each test takes away or
// spoils one thing.
#pragma once

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "base/made_up_machine.h"
#include "npu/design/manifest.h"
#include "npu/runtime/open.h"
#include "store/digest.h"

namespace troika::npu {

class MadeUpNpu {
 public:
  MadeUpNpu() {
    std::string name = (std::filesystem::temp_directory_path() / "troika-npu-XXXXXX").string();
    if (!mkdtemp(name.data())) ADD_FAILURE() << "no temporary folder";
    folder_ = name;
    put(pci() / "vendor", "0x1022");
    put(pci() / "device", "0x1502");
    put(pci() / "fw_version", "1.5.5.391");
    std::filesystem::create_symlink("../../../bus/pci/drivers/amdxdna", pci() / "driver");
    std::filesystem::create_directories(pci() / "iommu_group");
    std::filesystem::create_directories(pci() / "accel/accel0");
    put(root() / "dev/accel/accel0", "");
    put(root() / "proc/sys/kernel/osrelease", "6.14.0");
    put(root() / "proc/self/status", "CapEff:\t0000000000000000");
    limit_locked_memory("unlimited");
    std::filesystem::create_symlink(TROIKA_FAKE_NPU_PLUGIN, plugin());
    for (const GemmTile& tile : kUsedTiles) {
      const GemmDesign design = make_gemm_design(tile);
      const std::string xclbin = "what configures the array for " + design.spec.name;
      std::ofstream(file_of(design, ".xclbin")) << xclbin;
      const BuiltXclbin built{store::sha256_of(xclbin), "MLIR_AIE", "1.3.2", "21"};
      std::ofstream(file_of(design, ".json")) << write_manifest(design, built);
    }
  }
  ~MadeUpNpu() {
    unsetenv("TROIKA_FAKE_NPU");
    std::filesystem::remove_all(folder_);
  }
  MadeUpNpu(const MadeUpNpu&) = delete;

  std::filesystem::path root() const { return folder_ / "root"; }
  std::filesystem::path pci() const { return root() / "sys/bus/pci/devices/0000:c5:00.1"; }
  std::filesystem::path plugin() const { return folder_ / "plugin.so"; }
  std::filesystem::path file_of(const GemmDesign& design, const char* ending) const {
    return folder_ / (design.spec.name + ending);
  }
  ArrayOptions options() const { return {.plugin = plugin().string(), .root = root()}; }
  void limit_locked_memory(const std::string& limit) const {
    put(root() / "proc/self/limits", fmt::format("{:<26}{:<21}{:<21}bytes", "Max locked memory", limit, limit));
  }
  void inject(const std::string& fault) const { setenv("TROIKA_FAKE_NPU", fault.c_str(), 1); }

 private:
  std::filesystem::path folder_;
};

// What is logged while it lives.
class Logged {
 public:
  Logged() : before_(spdlog::default_logger()) {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(text_);
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", sink));
  }
  ~Logged() { spdlog::set_default_logger(before_); }
  Logged(const Logged&) = delete;
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> before_;
};

}  // namespace troika::npu
