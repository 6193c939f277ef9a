// The limit on reasoning: when the end is forced, and that a forced end reads like a prompt that held it.
#include "engine/thinking.h"

#include <gtest/gtest.h>

#include <cmath>
#include <condition_variable>
#include <mutex>

#include "base/error.h"
#include "engine/engine.h"
#include "text/byte_alphabet.h"

namespace troika::engine {
namespace {

using text::Reasoning;

const std::filesystem::path kModel = std::filesystem::path(TROIKA_SOURCE_DIR) / "tests/goldens/qwen2-tied.f32.gguf";

// One token a byte; as many as the text has characters.
std::unique_ptr<text::Tokenizer> byte_tokenizer(std::string chat_template = "") {
  text::TokenizerData data{.nfc = false, .chat_template = std::move(chat_template)};
  for (int byte = 0; byte < 256; ++byte) {
    data.tokens.push_back(text::to_byte_alphabet(std::string(1, char(byte))));
    data.types.push_back(text::TokenType::normal);
  }
  return text::make_tokenizer(std::move(data));
}

// What an answer becomes when the model would write `wanted`: a forced token takes the place of what the model writes.
std::string watched(const ThinkingBudget& budget, const std::string& wanted) {
  auto tokenizer = byte_tokenizer();
  ThinkingWatch watch(budget, *tokenizer);
  std::string written;
  for (size_t next = 0; next < wanted.size();) {
    auto forced = watch.forced();
    int32_t token = forced ? *forced : uint8_t(wanted[next++]);
    watch.append(token);
    written += char(token);
  }
  return written;
}

ThinkingBudget budget(Reasoning start, int tokens) {
  ThinkingBudget result{.start = start, .tokens = tokens};
  for (char c : std::string_view("</think>!")) result.close.push_back(uint8_t(c));
  return result;
}

TEST(Thinking, IsCutAfterAsManyTokensAsItMayTake) {
  EXPECT_EQ(watched(budget(Reasoning::open, 3), "abcdef"), "abc</think>!def");
  EXPECT_EQ(watched(budget(Reasoning::open, 0), "abc"), "</think>!abc");
  EXPECT_EQ(watched(budget(Reasoning::possible, 3), "<think>abcdef"), "<think>abc</think>!def");
  EXPECT_EQ(watched(budget(Reasoning::possible, 0), "\n<think>abc"), "\n<think></think>!abc");
}

TEST(Thinking, IsLeftAloneWhenItEndsInTimeOrNeverBegins) {
  EXPECT_EQ(watched(budget(Reasoning::open, 12), "ab</think>cdefghijklmnop"), "ab</think>cdefghijklmnop");
  EXPECT_EQ(watched(budget(Reasoning::possible, 2), "an answer"), "an answer");
  EXPECT_EQ(watched(budget(Reasoning::possible, 2), "an answer with <think> in it"), "an answer with <think> in it");
  EXPECT_EQ(watched(budget(Reasoning::none, 0), "<think>abc"), "<think>abc");
}

TEST(Thinking, IsCutOnceOnly) {
  EXPECT_EQ(watched(budget(Reasoning::open, 1), "ab<think>cdefghijklmn"), "a</think>!b<think>cdefghijklmn");
}

TEST(Thinking, APromptSaysWhetherThereIsAnythingToLimit) {
  TextModel model{.tokenizer = byte_tokenizer("{% if enable_thinking %}<think>{% endif %}")};
  auto ids = [&](std::string_view text) { return model.tokenizer->encode(text, {}); };
  auto open = thinking_budget(model, "qwen2", ids("assistant\n<think>\n"), 5);
  ASSERT_TRUE(open.has_value());
  EXPECT_EQ(open->start, Reasoning::open);
  EXPECT_EQ(open->tokens, 5);
  EXPECT_EQ(open->close, ids("\n</think>\n\n"));
  EXPECT_EQ(thinking_budget(model, "qwen2", ids("assistant\n"), 5)->start, Reasoning::possible);
  EXPECT_FALSE(thinking_budget(model, "qwen2", ids("<think>\n\n</think>\n\n"), 5).has_value());
  model.tokenizer = byte_tokenizer("plain");
  EXPECT_FALSE(thinking_budget(model, "qwen2", ids("assistant\n"), 5).has_value());
  EXPECT_FALSE(thinking_budget({}, "qwen2", std::vector<int32_t>{1}, 5).has_value());
}

TEST(Thinking, Qwen3IsToldThatItsTimeIsUp) {
  EXPECT_NE(closing_words("qwen3", 100).find("limited time"), std::string_view::npos);
  EXPECT_TRUE(closing_words("qwen3moe", 100).ends_with(".\n</think>\n\n"));
  EXPECT_EQ(closing_words("qwen3", 0), "\n</think>\n\n");
  EXPECT_EQ(closing_words("llama", 100), "\n</think>\n\n");
}

struct Answer {
  std::vector<int32_t> tokens;
  std::vector<float> logprobs;
  Event last;
};

Answer answer(Engine& engine, Request request) {
  Answer answer;
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  request.logprobs = true;
  engine.submit(std::move(request), [&](const Event& event) {
    std::lock_guard lock(mutex);
    if (event.token >= 0) {
      answer.tokens.push_back(event.token);
      answer.logprobs.push_back(event.logprob);
    }
    answer.last = event;
    done = event.finish != Finish::none;
    changed.notify_all();
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return done; });
  return answer;
}

Request greedy(std::vector<int32_t> prompt, int tokens) {
  return {.prompt = std::move(prompt),
          .max_tokens = tokens,
          .sampling = {.temperature = 0},
          .stop_at_end_tokens = false};
}

std::vector<int32_t> joined(std::vector<int32_t> a, const std::vector<int32_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(Thinking, AForcedEndReadsLikeAPromptThatHeldIt) {
  auto engine = Engine::load(kModel, {.threads = 2, .float32 = true});
  const std::vector<int32_t> prompt = {5, 17, 40, 8, 99, 23};
  const std::vector<int32_t> close = engine->text().tokenizer->encode("\n</think>\n\n", {});
  ASSERT_GT(close.size(), 1u);
  Answer free = answer(*engine, greedy(prompt, 40));

  Request limited = greedy(prompt, 40);
  limited.thinking = {.start = Reasoning::open, .tokens = 7, .close = close};
  Answer cut = answer(*engine, limited);
  ASSERT_EQ(cut.tokens.size(), 40u);
  EXPECT_EQ(cut.last.finish, Finish::length);

  auto thought = joined({free.tokens.begin(), free.tokens.begin() + 7}, close);
  EXPECT_EQ(std::vector<int32_t>(cut.tokens.begin(), cut.tokens.begin() + int(thought.size())), thought);
  Answer held = answer(*engine, greedy(joined(prompt, thought), 40 - int(thought.size())));
  EXPECT_EQ(std::vector<int32_t>(cut.tokens.begin() + int(thought.size()), cut.tokens.end()), held.tokens);
  EXPECT_NE(cut.tokens, free.tokens);
}

TEST(Thinking, ForcedTokensAreScoredAndCountLikeOthers) {
  auto engine = Engine::load(kModel, {.threads = 2, .float32 = true});
  std::vector<int32_t> prompt = {5, 17, 40};
  Request limited = greedy(prompt, 3);
  limited.thinking = {.start = Reasoning::open, .tokens = 0, .close = {7, 8, 9, 10}};
  std::vector<float> logits;
  limited.prompt_logits = [&](int position, std::span<const float> row) {
    if (position == 2) logits.assign(row.begin(), row.end());
  };
  Answer cut = answer(*engine, limited);
  EXPECT_EQ(cut.tokens, (std::vector<int32_t>{7, 8, 9}));  // max_tokens ends it, wherever it stands
  double sum = 0;
  for (float l : logits) sum += std::exp(double(l));
  EXPECT_NEAR(cut.logprobs[0], logits[7] - std::log(sum), 1e-4);
}

TEST(Thinking, AnEndThatIsNotInTheVocabularyIsRefused) {
  auto engine = Engine::load(kModel, {.threads = 1});
  Request request = greedy({1, 2}, 4);
  request.thinking = {.start = Reasoning::open, .tokens = 0, .close = {1 << 20}};
  EXPECT_THROW(engine->submit(request, [](const Event&) {}), Error);
}

}  // namespace
}  // namespace troika::engine
