// Layers with a window keep their window and no more: the cache's memory while an 8k context is decoded, against
// the arithmetic of its layers.
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "engine/engine.h"
#include "ops/step_inputs.h"

namespace troika::engine {
namespace {

struct Shape {
  const char* name;
  int full_layers, window_layers;  // that own a cache
  int kv_heads, head_dim, window;
};

class WindowCache : public ::testing::TestWithParam<Shape> {};

// Bytes of the cache in use after each token that a prompt of `tokens` is followed by.
std::vector<size_t> bytes_while_decoding(Engine& engine, int tokens, int generate) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<size_t> bytes;
  bool done = false;
  Request request{.prompt = std::vector<int32_t>(tokens, 5), .max_tokens = generate, .sampling = {.temperature = 0}};
  for (int i = 0; i < tokens; ++i) request.prompt[i] = i * 31 % 97;
  request.stop_at_end_tokens = false;
  engine.submit(std::move(request), [&](const Event& event) {
    std::lock_guard lock(mutex);
    bytes.push_back(engine.stats().cache_bytes_used);  // as of the step before
    done = event.finish != Finish::none;
    changed.notify_all();
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return done; });
  return bytes;
}

TEST_P(WindowCache, HoldsWhatTheArithmeticSaysAt8k) {
  constexpr int kContext = 8192, kGenerate = 40, P = ops::kPageTokens;
  const Shape& s = GetParam();
  auto path = std::filesystem::path(TROIKA_SOURCE_DIR) / "tests/goldens" / s.name;
  auto engine = Engine::load(path, {.threads = 2, .context = kContext, .kv = "f16"});
  auto bytes = bytes_while_decoding(*engine, kContext - kGenerate, kGenerate);
  ASSERT_EQ(bytes.size(), size_t(kGenerate));
  size_t page = size_t{2} * s.kv_heads * s.head_dim * sizeof(uint16_t) * P;  // of one layer: keys and values
  size_t all = size_t{kContext / P} * page;
  size_t window = size_t((s.window + P - 1) / P) * page;
  size_t used = bytes[kGenerate - 2];  // with the last token the sequence has ended
  EXPECT_GE(used, s.full_layers * all + s.window_layers * window);
  EXPECT_LE(used, s.full_layers * all + s.window_layers * (window + 2 * page));
}

INSTANTIATE_TEST_SUITE_P(Gemma, WindowCache,
                         ::testing::Values(Shape{"gemma2", 1, 2, 4, 24, 20}, Shape{"gemma3", 1, 6, 1, 24, 24},
                                           Shape{"gemma3n", 1, 3, 1, 24, 24}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace troika::engine
