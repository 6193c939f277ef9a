#include "npu/runtime/open.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>

#include "base/log.h"
#include "npu/plugin/border.h"
#include "npu/runtime/overlay.h"
#include "npu/runtime/plugin.h"
#include "npu/runtime/preflight.h"
#include "npu/runtime/self_test.h"
#include "npu/runtime/simulated.h"

namespace troika::npu {
namespace {

namespace fs = std::filesystem;

constexpr int kLives = 2;

// By plug-in.
std::mutex losses_mutex;
std::map<std::string, int> losses;

int losses_of(const std::string& plugin) {
  std::lock_guard lock(losses_mutex);
  return losses[plugin];
}

std::string installed_plugin() {
  std::error_code error;
  fs::path binary = fs::read_symlink("/proc/self/exe", error);
  fs::path plugin = binary.parent_path().parent_path() / "lib/troika/libtroika_npu_xrt.so";
  return fs::exists(plugin, error) ? plugin.string() : "";
}

void require_an_array(const abi::Plugin& plugin) {
  abi::Why why{};
  const int count = plugin.count(&why);
  if (count < 0)
    fail("XRT cannot look for NPUs: {}; is all of it there: apt-get install libxrt2 libxrt-npu2", abi::text_of(why.text));
  if (count == 0) fail("the kernel has an NPU, but XRT finds none; is its part for NPUs there: apt-get install libxrt-npu2");
}

// Overlays lie beside the plug-in.
GemmContext configured(const Array& array, const GemmTile& tile, const std::string& plugin) {
  GemmDesign design = make_gemm_design(tile);
  OverlayFiles files;
  if (!plugin.empty()) files = read_overlay(fs::path(plugin).parent_path(), design);
  const abi::Overlay overlay{design.spec.name.c_str(), files.xclbin.data(), files.xclbin.size(), files.built.kernel.c_str()};
  return {design, array.load(overlay), files.built};
}

OpenedArray opened(const abi::Plugin& plugin, const std::string& path, int life) {
  const Array array(plugin);
  OpenedArray found{.gemm = {.facts = array.facts()}, .plugin = path, .life = life};
  for (const GemmTile& tile : kUsedTiles) {
    KnownProduct(found.gemm.contexts.emplace_back(configured(array, tile, path))).run();
    ++found.tested;
  }
  if (path.empty()) {
    for (const GemmTile& tile : kTriedTiles) found.gemm.contexts.push_back(configured(array, tile, path));
  } else {
    found.sharing = probe_sharing(found.gemm.context(kW8A8));
    log::info("NPU: {}, {}; the self-test is right; memory: {}", found.gemm.facts.device, found.gemm.facts.runtime,
              to_text(found.sharing));
  }
  return found;
}

}  // namespace

ArrayOptions wanted_array() {
  const char* wanted = std::getenv("TROIKA_NPU_PLUGIN");
  return {.plugin = wanted ? wanted : ""};
}

std::string plugin_of(const ArrayOptions& options) {
  if (options.plugin == kSimulated) return "";
  return options.plugin.empty() ? installed_plugin() : options.plugin;
}

OpenedArray open_array(const ArrayOptions& options) {
  const std::string path = plugin_of(options);
  if (path.empty()) return opened(simulated_plugin(), path, 0);
  const int lost = losses_of(path);
  if (lost >= kLives) fail("it was lost {} times and stays off until Troika is started again", lost);
  if (lost > 0) log::warn("the NPU was lost before; it is opened once more");
  const Preflight machine = preflight(options.root, options.weight_bytes);
  if (const Finding* fault = machine.first_fault()) fail("{}", fault->text);
  const abi::Plugin& plugin = load_plugin(path);
  require_an_array(plugin);
  try {
    return opened(plugin, path, lost);
  } catch (const WrongAnswer& wrong) {
    fail("{}; {}", wrong.what(), count_loss(path, lost));
  } catch (const ArrayError& error) {
    if (error.result != abi::Result::refused) fail("{}; {}", error.what(), count_loss(path, lost));
    const std::string_view cure = cure_of(error.code);
    fail("{}{}{}", error.what(), cure.empty() ? "" : "; ", cure);
  }
}

std::string count_loss(const std::string& plugin, int life) {
  std::lock_guard lock(losses_mutex);
  int& lost = losses[plugin];
  lost = std::max(lost, life + 1);
  return lost < kLives ? "it is opened once more when a model is loaded next"
                                   : "it stays off until Troika is started again";
}

}  // namespace troika::npu
