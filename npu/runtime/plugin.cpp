#include "npu/runtime/plugin.h"

#include <dlfcn.h>

#include "base/error.h"

namespace troika::npu {

const abi::Plugin& load_plugin(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) fail("there is no plug-in {}", path.string());
  void* library = dlopen(std::filesystem::absolute(path).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    fail("the plug-in {} does not load ({}); if that is a library of XRT's: apt-get install libxrt2 libxrt-npu2", path.string(),
         dlerror());
  const auto entry = reinterpret_cast<abi::Entry*>(dlsym(library, abi::kEntry));
  if (!entry) fail("{} is no plug-in for the NPU: it has no {}", path.string(), abi::kEntry);
  const abi::Plugin& plugin = *entry();
  if (plugin.version != abi::kVersion)
    fail("the plug-in {} has version {} of the interface, this Troika needs {}; take both from one build", path.string(),
         plugin.version, abi::kVersion);
  return plugin;
}

}  // namespace troika::npu
