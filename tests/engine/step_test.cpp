// A step allocates nothing: everything is sized when a bucket is compiled.
#include "engine/step.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "engine/constraint.h"
#include "engine/sampler.h"
#include "grammar/samples.h"

namespace {

std::atomic<int64_t> allocations{0};

}  // namespace

// All forms, so that no allocation of one kind meets a deallocation of another.
[[gnu::noinline]] void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(bytes ? bytes : 1);
}
[[gnu::noinline]] void* operator new(size_t bytes) {
  if (void* memory = operator new(bytes, std::nothrow)) return memory;
  throw std::bad_alloc();
}
void* operator new[](size_t bytes) { return operator new(bytes); }
void* operator new[](size_t bytes, const std::nothrow_t&) noexcept { return operator new(bytes, std::nothrow); }
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

namespace troika::engine {
namespace {

TEST(Step, AllocatesNothingOnceItsBucketIsCompiled) {
  Model model = load_model(std::filesystem::path(TROIKA_SOURCE_DIR) / "tests/goldens/qwen2-tied", {.threads = 2});
  const int pages[] = {32};
  Step step(model, 4, 256, pages, model.spec.vocabulary);
  Scheduler scheduler({.tokens = 64, .outputs = 8, .sequences = 4}, {KvPages(32, 0)});
  std::vector<Sequence> sequences(3);
  for (size_t i = 0; i < sequences.size(); ++i) {
    sequences[i].id = i;
    sequences[i].tokens.reserve(256);
    sequences[i].tokens.assign(5 + 20 * i, 7);
    sequences[i].pages.resize(1);
    sequences[i].pages[0].reserve(16);
    scheduler.add(&sequences[i]);
  }
  auto round = [&] {
    const std::vector<Work>& work = scheduler.next();
    step.run(work);
    for (const Work& w : work) {
      w.sequence->computed += w.count;
      if (w.sequence->outstanding() == 0) w.sequence->tokens.push_back(3);
    }
  };
  for (int i = 0; i < 4; ++i) round();  // the prompts, then generation: all buckets that follow are compiled
  int64_t before = allocations;
  for (int i = 0; i < 100; ++i) round();
  EXPECT_EQ(allocations - before, 0);
}

TEST(Step, AllocatesNothingForAGrammarEither) {
  grammar::samples::TokenWorld world(grammar::samples::random_texts(73, 7));
  Constraint constraint(world.grammar(grammar::samples::of_schema(R"({"type": "array", "items": {"type": "string", "maxLength": 40}})")));
  std::vector<float> logits(331, 1.0f);
  Sampler sampler({.temperature = 1, .seed = 1}, {}, 331);
  auto round = [&] {
    constraint.prepare();
    const int32_t id = sampler.pick(logits, &constraint.allowed());
    if (world.vocabulary.is_text(id)) constraint.accept(id);
    return !constraint.complete();
  };
  for (int i = 0; i < 5; ++i) round();
  int64_t before = allocations;
  for (int i = 0; i < 200 && round(); ++i) {
  }
  EXPECT_EQ(allocations - before, 0);
}

}  // namespace
}  // namespace troika::engine
