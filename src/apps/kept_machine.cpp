// Where a machine's figures are kept, and how a name becomes a machine.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "apps/calibration.h"
#include "base/error.h"
#include "base/platform.h"
#include "base/user_folders.h"
#include "store/durable_file.h"

namespace troika::apps {
namespace {

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in)
    fail("{}: cannot be read; --hardware takes {}, this, or a file that `troika bench calibrate --json` made", file.string(),
         fmt::join(plan::built_in_names(), ", "));
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

// A home that several machines share has a file of each.
std::filesystem::path kept_machine() {
  if (const char* file = std::getenv("TROIKA_MACHINE")) return std::filesystem::absolute(file);
  const auto cache = cache_folder();
  if (!cache) return "";
  std::string name = platform::cpu().name;
  std::ranges::replace_if(name, [](unsigned char c) { return !std::isalnum(c); }, '-');
  return *cache / "troika/machines" / fmt::format("{}-{}-cores-{}-{}.json", name, platform::cpu().cores,
                                                       TROIKA_VERSION, plan::kHardwareVersion);
}

std::optional<plan::Hardware> read_kept_machine() {
  const auto file = kept_machine();
  if (file.empty() || !std::filesystem::exists(file)) return std::nullopt;
  return plan::hardware_from_json(read_text(file), file.string());
}

void keep_machine(const plan::Hardware& machine, Measured measured) {
  const auto file = kept_machine();
  if (file.empty()) return;
  const auto known = measured == Measured::part ? read_kept_machine() : std::nullopt;
  store::make_folders(file.parent_path());
  store::replace_file(file, plan::to_json(known ? plan::merged(*known, machine) : machine));
}

plan::Hardware find_machine(const std::string& name, std::string& said) {
  if (auto known = plan::built_in(name)) {
    said = "from what others published, from specifications and from assumptions: none of it was measured here";
    return *known;
  }
  if (name != "this") {
    said = fmt::format("as {} has it", name);
    return plan::hardware_from_json(read_text(name), name);
  }
  if (auto kept = read_kept_machine()) {
    said = fmt::format("as `troika bench calibrate` measured it ({})", kept_machine().string());
    const platform::Memory now = platform::memory();
    kept->memory.reserved.value = double(now.total_bytes - now.available_bytes);
    return *kept;
  }
  said = "by its limits, measured just now: `troika bench calibrate` makes better predictions";
  return limits_as_machine(0);
}

}  // namespace troika::apps
