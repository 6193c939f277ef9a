#include "npu/runtime/plugin.h"

#include <dlfcn.h>

#include <iterator>
#include <string_view>

#include "base/error.h"

namespace troika::npu {
namespace {

// "": it has all functions of its version.
std::string_view missing_function(const abi::Plugin& p) {
  const struct {
    std::string_view name;
    bool is_there;
  } functions[] = {{"count", p.count},         {"open", p.open},
                   {"close", p.close},         {"facts", p.facts},
                   {"load", p.load},           {"unload", p.unload},
                   {"allocate", p.allocate},   {"import_host", p.import_host},
                   {"import_fd", p.import_fd}, {"export_fd", p.export_fd},
                   {"host", p.host},           {"sync", p.sync},
                   {"free", p.free},           {"prepare", p.prepare},
                   {"start", p.start},         {"wait", p.wait},
                   {"drop", p.drop}};
  static_assert(sizeof(abi::Plugin) == sizeof(void*) * (1 + std::size(functions)), "a row for each function");
  for (const auto& [name, is_there] : functions)
    if (!is_there) return name;
  return "";
}

}  // namespace

const abi::Plugin& load_plugin(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) fail("there is no plug-in {}", path.string());
  void* library = dlopen(std::filesystem::absolute(path).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    fail("the plug-in {} does not load ({}); if that is a library of XRT's: apt-get install libxrt2 libxrt-npu2", path.string(),
         dlerror());
  const auto entry = reinterpret_cast<abi::Entry*>(dlsym(library, abi::kEntry));
  if (!entry) fail("{} is no plug-in for the NPU: it has no {}", path.string(), abi::kEntry);
  const abi::Plugin* const table = entry();
  if (!table) fail("the plug-in {} gives no table of functions", path.string());
  const abi::Plugin& plugin = *table;
  if (plugin.version != abi::kVersion)
    fail("the plug-in {} has version {} of the interface, this Troika needs {}; take both from one build", path.string(),
         plugin.version, abi::kVersion);
  if (const std::string_view missing = missing_function(plugin); !missing.empty())
    fail("the plug-in {} lacks the function {}; take it and Troika from one build", path.string(), missing);
  return plugin;
}

}  // namespace troika::npu
