// The engine on a GPU: a request gets the same tokens alone and among others, and pages are copied there.
#include <gtest/gtest.h>

#include "device/vulkan_here.h"
#include "engine/clients.h"

namespace troika::engine {
namespace {

// A model, and the format that its matrices are rounded to ("": floats, as they are).
struct OnGpu {
  const char* model;
  const char* quantise;
};

class VulkanEngine : public device::OnVulkan {
 protected:
  std::unique_ptr<Engine> load(OnGpu on) {
    return Engine::load(std::filesystem::path(TROIKA_SOURCE_DIR) / "tests/goldens" / on.model,
                        {.device = "vulkan", .threads = 2, .context = 512, .quantise = on.quantise});
  }
};

TEST_F(VulkanEngine, GivesARequestTheSameTokensAloneAndAmongOthers) {
  for (OnGpu on : {OnGpu{"qwen2-tied", ""}, OnGpu{"qwen2-tied", "q8_0"}}) {
    auto engine = load(on);
    expect_together(*engine, all_alone(*engine, 7));
  }
}

TEST_F(VulkanEngine, ContinuesTextsThatPartWithinAPage) {
  expect_shared_text([&] { return load({"qwen2-tied", "q8_0"}); });
}

TEST_F(VulkanEngine, ContinuesTextsThatPartWithinAPageWhereSomeLayersHaveWindows) {
  expect_shared_text([&] { return load({"gemma3", ""}); });
}

}  // namespace
}  // namespace troika::engine
