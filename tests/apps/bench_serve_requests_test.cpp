#include "apps/bench_serve_requests.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace troika::apps::load {
namespace {

constexpr int kMany = 2000;

std::vector<Asked> many(const Mix& mix, const Dialect& dialect = {}) {
  std::vector<Asked> all;
  for (int i = 0; i < kMany; ++i) all.push_back(request_of(mix, dialect, 0, uint64_t(i)));
  return all;
}

int words_of(const std::string& prompt) { return int(std::ranges::count(prompt, ' ')) + 1; }

TEST(BenchServeRequests, FollowFromSeedLoadAndNumber) {
  const Mix mix, other{.seed = 2};
  const std::string body = request_of(mix, {}, 1, 5).body;
  EXPECT_EQ(request_of(mix, {}, 1, 5).body, body);
  EXPECT_NE(request_of(mix, {}, 1, 6).body, body);
  EXPECT_NE(request_of(mix, {}, 2, 5).body, body);
  EXPECT_NE(request_of(other, {}, 1, 5).body, body);
}

TEST(BenchServeRequests, LengthsFillTheirRanges) {
  std::set<int> prompts, answers;
  for (const Asked& asked : many({.prompt_tokens = {3, 7}, .output_tokens = {2, 4}})) {
    const auto json = nlohmann::json::parse(asked.body);
    prompts.insert(words_of(json["prompt"]));
    answers.insert(json["max_tokens"].get<int>());
    EXPECT_EQ(json["ignore_eos"], true);
    EXPECT_EQ(json["stream"], true);
  }
  EXPECT_EQ(prompts, (std::set<int>{3, 4, 5, 6, 7}));
  EXPECT_EQ(answers, (std::set<int>{2, 3, 4}));
}

TEST(BenchServeRequests, ShareABeginningWhenAsked) {
  const Mix mix{.prompt_tokens = {12, 12}, .shared_prefix = 8};
  const auto prompt = [&](uint64_t load, uint64_t number) {
    return nlohmann::json::parse(request_of(mix, {}, load, number).body)["prompt"].get<std::string>();
  };
  const std::string one = prompt(0, 0), two = prompt(1, 3);
  size_t same = 0;
  while (same < one.size() && one[same] == two[same]) ++same;
  EXPECT_NE(one, two);
  EXPECT_EQ(std::count(one.begin(), one.begin() + int(same), ' '), 8);
  EXPECT_EQ(words_of(one), 12);
}

TEST(BenchServeRequests, ShowPicturesInTheirShareOfChats) {
  std::set<std::string> urls;
  int shown = 0;
  for (const Asked& asked : many({.prompt_tokens = {3, 7}, .pictures = 0.1, .picture_side = 32}, {.chat = true})) {
    const auto content = nlohmann::json::parse(asked.body)["messages"][0]["content"];
    if (content.is_string()) continue;
    ++shown;
    const std::string url = content[0]["image_url"]["url"];
    constexpr std::string_view kPng = "data:image/png;base64,iVBORw0KGgo";
    EXPECT_EQ(url.substr(0, kPng.size()), kPng);
    urls.insert(url);
    EXPECT_TRUE(content[1]["text"].is_string());
  }
  EXPECT_NEAR(shown, 0.1 * kMany, 0.03 * kMany);
  EXPECT_GT(urls.size(), 0.95 * shown);
}

TEST(BenchServeRequests, HaveFewerWordsWhereAWordIsSeveralTokens) {
  const Mix mix{.prompt_tokens = {90, 90}};
  const auto json = nlohmann::json::parse(request_of(mix, {.tokens_a_word = 4.5}, 0, 0).body);
  EXPECT_EQ(words_of(json["prompt"]), 20);
}

TEST(BenchServeRequests, OfAChatAreMessages) {
  const auto json = nlohmann::json::parse(request_of({}, {.model = "m", .chat = true}, 0, 0).body);
  EXPECT_EQ(json["model"], "m");
  EXPECT_EQ(json["messages"].size(), 1u);
  EXPECT_FALSE(json.contains("prompt"));
}

TEST(BenchServeRequests, HangUpAndMakeNoSenseAsOftenAsAsked) {
  int hang_ups = 0, malformed = 0;
  for (const Asked& asked : many({.output_tokens = {5, 5}, .hang_ups = 0.2, .malformed = 0.05})) {
    hang_ups += asked.hang_up_after > 0;
    malformed += asked.malformed;
    EXPECT_FALSE(asked.malformed && asked.hang_up_after > 0);
    EXPECT_LT(asked.hang_up_after, 5);
    const auto json = nlohmann::json::parse(asked.body, nullptr, false);
    const bool sound = json.is_object() && json.contains("prompt") && json["max_tokens"].is_number();
    EXPECT_NE(sound, asked.malformed) << asked.body;
  }
  EXPECT_NEAR(hang_ups, kMany * 0.2, kMany * 0.05);
  EXPECT_NEAR(malformed, kMany * 0.05, kMany * 0.03);
}

}  // namespace
}  // namespace troika::apps::load
