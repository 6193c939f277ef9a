#include "apps/bench_serve_answer.h"

#include <gtest/gtest.h>

namespace troika::apps::load {
namespace {

constexpr std::string_view kCompletion =
    ": the server is busy\n\n"
    "data: {\"choices\": [{\"text\": \"a\", \"finish_reason\": null}]}\n\n"
    "data: {\"choices\": [{\"text\": \"\", \"finish_reason\": \"length\"}], \"usage\": null}\r\n\r\n"
    "event: message\n"
    "data:{\"choices\": [], \"usage\": {\"prompt_tokens\": 9, \"completion_tokens\": 3, "
    "\"prompt_tokens_details\": {\"cached_tokens\": 4}}}\n\n"
    "data: [DONE]\n\n";

TEST(BenchServeAnswer, ReadsCompletionsHoweverTheyAreCut) {
  for (size_t step = 1; step <= kCompletion.size(); ++step) {
    Answer answer;
    for (size_t i = 0; i < kCompletion.size(); i += step) answer.receive(kCompletion.substr(i, step), 2.5);
    EXPECT_EQ(answer.pieces_s, std::vector<double>{2.5}) << step;
    EXPECT_EQ(answer.tokens, 3);
    EXPECT_EQ(answer.prompt_tokens, 9);
    EXPECT_EQ(answer.cached_tokens, 4);
    EXPECT_TRUE(answer.done);
    EXPECT_EQ(answer.error, "");
  }
}

TEST(BenchServeAnswer, APieceOfAChatIsTextReasoningOrAPartOfACall) {
  Answer answer;
  answer.receive("data: {\"choices\": [{\"delta\": {\"role\": \"assistant\", \"content\": \"\"}}]}\n", 1);
  answer.receive("data: {\"choices\": [{\"delta\": {\"content\": null}}]}\n", 2);
  answer.receive("data: {\"choices\": [{\"delta\": {\"reasoning_content\": \"hm\"}}]}\n", 3);
  answer.receive("data: {\"choices\": [{\"delta\": {\"content\": \"yes\"}}]}\n", 4);
  answer.receive("data: {\"choices\": [{\"delta\": {\"tool_calls\": [{\"index\": 0}]}}]}\n", 5);
  EXPECT_EQ(answer.pieces_s, (std::vector<double>{3, 4, 5}));
  EXPECT_EQ(answer.tokens, std::nullopt);
  EXPECT_FALSE(answer.done);
}

TEST(BenchServeAnswer, SaysWhatIsWrongWithAStream) {
  Answer failed, cut;
  failed.receive("data: {\"error\": {\"message\": \"the model is gone\"}}\n", 1);
  EXPECT_EQ(failed.error, "an error in the stream");
  cut.receive("data: {\"choices\": [\n", 1);
  EXPECT_EQ(cut.error, "an event of the stream is no JSON object");
}

TEST(BenchServeAnswer, OddShapesAreNoText) {
  Answer answer;
  for (const char* event :
       {"{}", "{\"choices\": {}}", "{\"choices\": [1]}", "{\"choices\": [{\"delta\": []}]}", "{\"usage\": 5}",
        "{\"usage\": {\"completion_tokens\": \"3\"}}"}) {
    answer.receive(std::string("data: ") + event + "\n", 1);
  }
  EXPECT_TRUE(answer.pieces_s.empty());
  EXPECT_EQ(answer.tokens, std::nullopt);
  EXPECT_EQ(answer.error, "");
}

}  // namespace
}  // namespace troika::apps::load
