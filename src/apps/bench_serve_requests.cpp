#include "apps/bench_serve_requests.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <random>
#include <string_view>

#include "apps/bench_serve_picture.h"

namespace troika::apps::load {
namespace {

using nlohmann::ordered_json;
using Random = std::mt19937_64;

// Of each use of random numbers; requests in loads have the load's number, from 0.
constexpr uint64_t kPrefix = ~uint64_t{0}, kOutside = kPrefix - 1;

constexpr std::array<std::string_view, 128> kWords = {
    "time",    "year",  "people",   "way",    "day",     "man",     "thing",   "woman",    "life",
    "child",   "world", "school",   "state",  "student", "group",   "country", "problem",  "hand",
    "part",    "place", "case",     "week",   "company", "system",  "program", "question", "work",
    "number",  "night", "point",    "home",   "water",   "room",    "mother",  "area",     "money",
    "story",   "fact",  "month",    "lot",    "right",   "study",   "book",    "job",      "word",
    "side",    "kind",  "head",     "house",  "service", "friend",  "father",  "power",    "hour",
    "game",    "line",  "end",      "law",    "car",     "city",    "name",    "team",     "minute",
    "idea",    "back",  "parent",   "level",  "door",    "health",  "person",  "art",      "war",
    "history", "party", "result",   "change", "morning", "reason",  "girl",    "moment",   "air",
    "teacher", "food",  "light",    "paper",  "space",   "music",   "river",   "table",    "window",
    "plan",    "field", "language", "market", "letter",  "color",   "tree",    "fire",     "king",
    "ship",    "stone", "wind",     "road",   "animal",  "machine", "engine",  "memory",   "page",
    "file",    "list",  "key",      "value",  "test",    "error",   "user",    "server",   "computer",
    "network", "data",  "model",    "code",   "text",    "answer",  "short",   "long",     "small",
    "large",   "early"};

Random random_for(uint64_t seed, uint64_t load, uint64_t number) {
  std::seed_seq all{uint32_t(seed),       uint32_t(seed >> 32), uint32_t(load),
                    uint32_t(load >> 32), uint32_t(number),     uint32_t(number >> 32)};
  return Random(all);
}

int pick(Random& random, Range range) {
  return range.least + int(random() % (uint64_t(range.most - range.least) + 1));
}

// From 0 to below 1.
double pick_share(Random& random) { return double(random() >> 11) * 0x1p-53; }

void add_words(std::string& text, Random& random, int count) {
  for (int i = 0; i < count; ++i) {
    if (!text.empty()) text += ' ';
    text += kWords[random() % kWords.size()];
  }
}

// Greedy and of a fixed length. llama-server and vLLM know ignore_eos too.
ordered_json request_for(const Dialect& dialect, const std::string& prompt, int output_tokens,
                         const std::string& picture = "") {
  ordered_json json = {{"model", dialect.model}, {"max_tokens", output_tokens},
                       {"temperature", 0},       {"ignore_eos", true},
                       {"stream", true},         {"stream_options", {{"include_usage", true}}}};
  if (!dialect.chat) {
    json["prompt"] = prompt;
    return json;
  }
  ordered_json content = prompt;
  if (!picture.empty())
    content = {{{"type", "image_url"}, {"image_url", {{"url", picture}}}}, {{"type", "text"}, {"text", prompt}}};
  json["messages"] = {{{"role", "user"}, {"content", std::move(content)}}};
  return json;
}

// One of the ways in which clients go wrong.
std::string malform(ordered_json json, Random& random) {
  switch (random() % 4) {
    case 0:
      json["max_tokens"] = "many";
      return json.dump();
    case 1:
      json.erase("prompt"), json.erase("messages");
      return json.dump();
    case 2:
      return json.dump().substr(0, 40);
    default:
      return "max_tokens=16&stream=true";
  }
}

}  // namespace

int words_for(int tokens, const Dialect& dialect) {
  return std::max(1, int(std::lround(tokens / dialect.tokens_a_word)));
}

Asked request_of(const Mix& mix, const Dialect& dialect, uint64_t load, uint64_t number) {
  Random random = random_for(mix.seed, load, number);
  const int prompt_tokens = pick(random, mix.prompt_tokens), output_tokens = pick(random, mix.output_tokens);
  const double chance = pick_share(random);
  const int hang_up_after = pick(random, {1, std::max(1, output_tokens - 1)});

  std::string prompt;
  if (mix.shared_prefix > 0) {
    Random shared = random_for(mix.seed, kPrefix, 0);
    add_words(prompt, shared, words_for(mix.shared_prefix, dialect));
  }
  add_words(prompt, random, words_for(prompt_tokens - mix.shared_prefix, dialect));
  const uint64_t picture = random();
  const bool shows = pick_share(random) < mix.pictures;
  ordered_json json =
      request_for(dialect, prompt, output_tokens, shows ? picture_url(picture, mix.picture_side) : "");
  if (chance < mix.malformed) return {.body = malform(std::move(json), random), .malformed = true};
  const bool hangs_up = chance < mix.malformed + mix.hang_ups;
  return {.body = json.dump(), .hang_up_after = hangs_up ? hang_up_after : 0};
}

std::string plain_request(const Mix& mix, const Dialect& dialect, uint64_t number, int words,
                          int output_tokens) {
  Random random = random_for(mix.seed, kOutside, number);
  std::string prompt;
  add_words(prompt, random, words);
  return request_for(dialect, prompt, output_tokens).dump();
}

}  // namespace troika::apps::load
