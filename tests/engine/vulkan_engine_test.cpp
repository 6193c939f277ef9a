// The engine on a GPU: a request gets the same tokens alone and among others, and pages are copied there.
#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"
#include "device/device.h"
#include "engine/clients.h"

namespace troika::engine {
namespace {

// A model, and the format that its matrices are rounded to ("": floats, as they are).
struct OnGpu {
  const char* model;
  const char* quantise;
};

class VulkanEngine : public ::testing::Test {
 protected:
  void SetUp() override {
    try {
      device::make_device("vulkan", {});
    } catch (const Error& error) {
      GTEST_SKIP() << error.what();
    }
  }
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

void expect_copied_pages(const std::function<std::unique_ptr<Engine>()>& load) {
  auto engine = load();
  std::vector<Request> requests;
  std::vector<std::vector<int32_t>> expected;
  for (int part : {0, 40, 64, 99}) {  // where they leave the common text
    Request request = greedy(100, 1, 8);
    for (int32_t& id : request.prompt) id %= 97;
    for (size_t i = size_t(part); i < request.prompt.size(); ++i) request.prompt[i] = (request.prompt[i] + part + 1) % 97;
    expected.push_back(alone(*load(), request));
    requests.push_back(std::move(request));
  }
  for (int round = 0; round < 2; ++round) {
    std::vector<Client> clients(requests.size());
    for (size_t i = 0; i < requests.size(); ++i) clients[i].start(*engine, requests[i]);
    for (size_t i = 0; i < requests.size(); ++i) {
      EXPECT_EQ(clients[i].wait(), expected[i]) << i << " in round " << round;
      if (round > 0) { EXPECT_EQ(clients[i].last().timings.reused_tokens, 99) << i; }
    }
  }
}

TEST_F(VulkanEngine, ContinuesTextsThatPartWithinAPage) {
  expect_copied_pages([&] { return load({"qwen2-tied", "q8_0"}); });
}

TEST_F(VulkanEngine, ContinuesTextsThatPartWithinAPageWhereSomeLayersHaveWindows) {
  expect_copied_pages([&] { return load({"gemma3", ""}); });
}

}  // namespace
}  // namespace troika::engine
