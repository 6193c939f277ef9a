// SentencePiece BPE: the real Gemma vocabularies against their goldens from every kind of file, Llama 2's, the
// definition against small random vocabularies, decoding of bytes, hostile files.
#include "text/sentencepiece_bpe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <tuple>

#include "base/error.h"
#include "text/detokenizer.h"
#include "text/gguf_text.h"
#include "text/tokenizer.h"
#include "text/tokenizer_samples.h"
#include "text/unicode.h"

namespace troika::text {
namespace {

using samples::GgufText;
using samples::Json;
using testing::HasSubstr;
using testing::ThrowsMessage;
using Ids = std::vector<int32_t>;

const std::string kSign = "\xE2\x96\x81";  // ▁

size_t characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// The tokenizer.json that Hugging Face's conversion makes of a SentencePiece model: all ways to cut each piece in two,
// by score, of equals those with the longest left part first.
std::string converted(const TokenizerData& data, bool as_pairs, bool prefix = false) {
  std::map<std::string, size_t> ids;
  for (size_t id = 0; id < data.tokens.size(); ++id) ids.emplace(data.tokens[id], id);
  struct Rule {
    float score;
    size_t left_size, right_size, left, right;
  };
  std::vector<Rule> rules;
  for (size_t id = 0; id < data.tokens.size(); ++id) {
    const std::string& piece = data.tokens[id];
    for (size_t cut = 1; cut < piece.size(); ++cut) {
      if ((piece[cut] & 0xC0) == 0x80) continue;
      const auto left = ids.find(piece.substr(0, cut)), right = ids.find(piece.substr(cut));
      if (left == ids.end() || right == ids.end()) continue;
      rules.push_back({data.scores[id], characters(left->first), characters(right->first), left->second, right->second});
    }
  }
  std::stable_sort(rules.begin(), rules.end(), [](const Rule& a, const Rule& b) {
    return std::tie(a.score, a.left_size, a.right_size) > std::tie(b.score, b.left_size, b.right_size);
  });
  const Json replace = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kSign}};
  Json file;
  file["normalizer"] = replace;
  file["decoder"] = {{"type", "Sequence"},
                     {"decoders",
                      {{{"type", "Replace"}, {"pattern", {{"String", kSign}}}, {"content", " "}},
                       {{"type", "ByteFallback"}},
                       {{"type", "Fuse"}}}}};
  if (prefix) {
    file["normalizer"] = {{"type", "Sequence"}, {"normalizers", {{{"type", "Prepend"}, {"prepend", kSign}}, replace}}};
    file["decoder"]["decoders"].push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  } else {
    file["pre_tokenizer"] = {{"type", "Split"}, {"pattern", {{"String", " "}}}, {"behavior", "MergedWithPrevious"}};
  }
  file["post_processor"] = {
      {"type", "TemplateProcessing"},
      {"single", {{{"SpecialToken", {{"id", "<bos>"}}}}, {{"Sequence", {{"id", "A"}}}}}}};
  file["model"] = {{"type", "BPE"}, {"unk_token", "<unk>"}, {"fuse_unk", true}, {"byte_fallback", true}};
  Json& vocabulary = file["model"]["vocab"] = Json::object();
  for (size_t id = 0; id < data.tokens.size(); ++id) vocabulary[data.tokens[id]] = id;
  Json& merges = file["model"]["merges"] = Json::array();
  for (const Rule& rule : rules) {
    const std::string &left = data.tokens[rule.left], &right = data.tokens[rule.right];
    merges.push_back(as_pairs ? Json({left, right}) : Json(left + " " + right));
  }
  Json& added = file["added_tokens"] = Json::array();
  for (size_t id = 0; id < data.tokens.size(); ++id) {
    const TokenType type = data.types[id];
    if (type == TokenType::normal || type == TokenType::byte) continue;
    added.push_back({{"id", id}, {"content", data.tokens[id]}, {"special", type != TokenType::user_defined}});
  }
  return file.dump();
}

// What conversion to GGUF makes of it: real spaces in user-defined pieces, some of which become control tokens.
TokenizerData as_in_gguf(TokenizerData data) {
  for (size_t id = 0; id < data.tokens.size(); ++id) {
    std::string& token = data.tokens[id];
    if (data.types[id] == TokenType::unknown || token.starts_with("<unused") || token == "<mask>" ||
        token == "<2mass>" || token == "[@BOS@]") {
      data.types[id] = TokenType::control;
    }
    if (data.types[id] != TokenType::user_defined) continue;
    for (size_t at = token.find(kSign); at != token.npos; at = token.find(kSign)) token.replace(at, kSign.size(), " ");
  }
  return data;
}

TokenizerData data_of_gguf(const GgufText& file) {
  TokenizerData data{.model = "sentencepiece"};
  data.tokens = file.strings.at("tokenizer.ggml.tokens");
  data.scores = file.floats.at("tokenizer.ggml.scores");
  for (const int64_t type : file.numbers.at("tokenizer.ggml.token_type")) {
    data.types.push_back(static_cast<TokenType>(type));
  }
  const auto id = [&](const char* key) { return static_cast<int32_t>(file.numbers.at(key).at(0)); };
  data.bos = id("tokenizer.ggml.bos_token_id");
  data.eos = id("tokenizer.ggml.eos_token_id");
  data.unk = id("tokenizer.ggml.unknown_token_id");
  const auto prefix = file.numbers.find("tokenizer.ggml.add_space_prefix");
  data.space_prefix = data.strip_leading_space = prefix == file.numbers.end() || prefix->second.at(0) != 0;
  data.end_ids = find_end_ids(data);
  return data;
}

class Gemma : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(folder() / (name() + ".spm.model"))) {
      GTEST_SKIP() << "the real tokenizers are not in " << samples::data_folder();
    }
  }
  static std::string name() { return GetParam(); }
  static std::filesystem::path folder() { return samples::data_folder() / "tokenizers" / name(); }
  static std::string config() {
    return samples::read(folder() / (name() == "gemma2" ? "tokenizer_config.gemma1.json" : "tokenizer_config.json"));
  }
  static TokenizerData from_model() {
    return read_sentencepiece_model(samples::read(folder() / (name() + ".spm.model")), config());
  }
  static std::filesystem::path goldens() { return samples::data_folder() / "tokenizer-goldens"; }

  static void expect_goldens(const Tokenizer& tokenizer, bool hugging_face) {
    const Json file = Json::parse(samples::read(goldens() / (name() + ".json")));
    for (const Json& golden : file["cases"]) {
      const std::string text = golden["text"], id = golden["id"];
      const Json& with_special = hugging_face && golden.contains("ids_hf") ? golden["ids_hf"] : golden["ids"];
      const Json& plain = golden.contains("ids_plain") ? golden["ids_plain"] : with_special;
      EXPECT_EQ(tokenizer.encode(text, {.parse_special = true}), with_special.get<Ids>()) << id;
      EXPECT_EQ(tokenizer.encode(text, {}), plain.get<Ids>()) << id << " plain";
      EXPECT_EQ(tokenizer.decode(golden["ids"].get<Ids>(), false), golden.value("decoded", text)) << id;
    }
    EXPECT_GT(file["cases"].size(), 150u);
  }

  // Lines with \n, \s and \x for a newline, a space and nothing.
  static void expect_lines(const Tokenizer& tokenizer, const std::string& part) {
    const std::string suffix = name() == "gemma2" ? "gemma" : "gemma3";
    std::istringstream texts(samples::read(goldens() / "kitoken" / (part + "_input.txt"))),
        answers(samples::read(goldens() / "kitoken" / (part + "_tokens_" + suffix + ".txt")));
    const auto answer = [&] {
      std::string line;
      do {
        if (!std::getline(answers, line)) return Ids();
      } while (line.empty());
      std::replace(line.begin(), line.end(), ',', ' ');
      std::istringstream numbers(line);
      return Ids{std::istream_iterator<int32_t>(numbers), {}};
    };
    size_t compared = 0;
    for (std::string line; std::getline(texts, line);) {
      if (line.empty()) continue;
      std::string text;
      for (size_t i = 0; i < line.size(); ++i) {
        const std::string two = line.substr(i, 2);
        const bool escape = two == "\\n" || two == "\\s" || two == "\\x";
        text += two == "\\n" ? "\n" : two == "\\s" ? " " : two == "\\x" ? "" : line.substr(i, 1);
        i += escape;
      }
      EXPECT_EQ(tokenizer.encode(text, {.parse_special = true}), answer()) << part << ": " << text;
      ++compared;
    }
    EXPECT_GE(compared, 20u);
  }
};

TEST_P(Gemma, MeetsTheGoldensFromTokenizerModel) {
  const TokenizerData data = from_model();
  EXPECT_EQ(data.bos, 2);
  EXPECT_EQ(data.eos, 1);
  EXPECT_EQ(data.pad, 0);
  EXPECT_EQ(data.unk, 3);
  EXPECT_TRUE(data.add_bos);
  EXPECT_FALSE(data.space_prefix);
  EXPECT_EQ(data.end_ids, name() == "gemma2" ? (Ids{1, 107}) : (Ids{1, 106}));
  const auto tokenizer = make_tokenizer(data);
  expect_goldens(*tokenizer, false);
  expect_lines(*tokenizer, "small");
  expect_lines(*tokenizer, "mixed");
}

TEST_P(Gemma, MeetsTheGoldensFromGguf) {
  const auto tokenizer = make_tokenizer(as_in_gguf(from_model()));
  expect_goldens(*tokenizer, false);
  expect_lines(*tokenizer, "mixed");
  if (name() != "gemma3") return;
  const TokenizerData file = data_of_gguf(GgufText(samples::read(folder() / "gemma3-vocab-only.gguf")));
  EXPECT_EQ(file.end_ids, (Ids{1, 106}));
  const auto from_file = make_tokenizer(file);
  expect_goldens(*from_file, false);
  EXPECT_EQ(from_file->vocab_size(), 262208);
  EXPECT_EQ(from_file->id_of("<image_soft_token>"), 262144);
  EXPECT_EQ(from_file->id_of("<start_of_image>"), 255999);
  EXPECT_EQ(from_file->id_of("<end_of_image>"), 256000);
  EXPECT_EQ(from_file->id_of("the"), std::nullopt);
}

TEST_P(Gemma, MeetsTheGoldensFromTokenizerJson) {
  for (const bool pairs : {true, false}) {
    const TokenizerData data = read_tokenizer_json(converted(from_model(), pairs), config());
    EXPECT_TRUE(data.add_bos);
    EXPECT_GT(data.merges.size(), 500'000u);
    const auto tokenizer = make_tokenizer(data);
    expect_goldens(*tokenizer, true);
    expect_lines(*tokenizer, "mixed");
    if (!pairs) break;
  }
}

// Nothing is timed: a step that is quadratic in these texts would outlast the test's time limit by far.
TEST_P(Gemma, EncodesLongTextsOfOneUnit) {
  const auto tokenizer = make_tokenizer(from_model());
  std::string mix;
  std::mt19937 random(2);
  while (mix.size() < 1'000'000) {
    mix += std::array{"a", "b", " ", "\n", "=", "the", "é", "中", "😀", "▁", "\t"}[random() % 11];
  }
  std::vector<std::string> texts = {mix};
  for (const char* unit : {"a", " ", "\n", "▁", "1", "中", "ab", "=", "<", "<end_of_turn", "\xFF", "\xF0\x90\x8C\xB0"}) {
    texts.emplace_back();
    while (texts.back().size() < 1'000'000) texts.back() += unit;
  }
  for (const std::string& text : texts) {
    const std::string decoded = tokenizer->decode(tokenizer->encode(text, {.parse_special = true}), false);
    std::string expected = valid_utf8(text) ? text : sanitize_utf8(text);
    if (expected.find(kSign) != expected.npos) continue;  // comes back as spaces
    EXPECT_TRUE(decoded == expected) << text.substr(0, 20);
  }
}

INSTANTIATE_TEST_SUITE_P(, Gemma, testing::Values("gemma2", "gemma3"), [](const auto& info) { return info.param; });

TEST(SentencePiece, MeetsLlamaCppsVocabularyTests) {
  const auto folder = samples::data_folder() / "ggml-vocab";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is absent";
  for (const std::string name : {"llama-spm", "phi-3"}) {
    const std::string base = "ggml-vocab-" + name + ".gguf";
    const auto tokenizer = make_tokenizer(data_of_gguf(GgufText(samples::read(folder / base))));
    const std::string texts = samples::read(folder / (base + ".inp")), border = "\n__ggml_vocab_test__\n";
    std::istringstream lines(samples::read(folder / (base + ".out")));
    std::string line;
    size_t compared = 0;
    for (size_t at = 0; at < texts.size() && std::getline(lines, line); ++compared) {
      const size_t end = std::min(texts.find(border, at), texts.size());
      const std::string text = texts.substr(at, end - at);
      at = end + border.size();
      std::istringstream numbers(line);
      const Ids expected{std::istream_iterator<int32_t>(numbers), {}};
      EXPECT_EQ(tokenizer->encode(text, {}), expected) << name << ": " << text;
      EXPECT_EQ(tokenizer->decode(expected, false), text) << name;
    }
    EXPECT_GT(compared, 40u) << name;
  }
}

// small vocabularies

// <unk> <s>, the bytes, then pieces, each with a lower score than the one before.
TokenizerData small_data(const std::vector<std::string>& pieces, bool bytes = true) {
  TokenizerData data{.model = "sentencepiece", .unk = 0};
  const auto add = [&](const std::string& text, TokenType type, float score) {
    data.tokens.push_back(text);
    data.types.push_back(type);
    data.scores.push_back(score);
  };
  add("<unk>", TokenType::unknown, 0);
  add("<s>", TokenType::control, 0);
  for (int byte = 0; bytes && byte < 256; ++byte) add(fmt::format("<0x{:02X}>", byte), TokenType::byte, 0);
  float score = 0;
  for (const std::string& piece : pieces) add(piece, TokenType::normal, score--);
  return data;
}

// The definition: look at all neighbours, join the best pair, begin again.
std::vector<std::string> merged_by_definition(const TokenizerData& data, std::string text) {
  for (size_t at = text.find(' '); at != text.npos; at = text.find(' ')) text.replace(at, 1, kSign);
  std::vector<std::string> symbols;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t bytes = read_utf8(rest).bytes;
    symbols.emplace_back(rest.substr(0, bytes));
    rest.remove_prefix(bytes);
  }
  while (true) {
    size_t best = symbols.size();
    float best_score = 0;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      const auto piece = std::find(data.tokens.begin(), data.tokens.end(), symbols[i] + symbols[i + 1]);
      if (piece == data.tokens.end() || data.types[piece - data.tokens.begin()] != TokenType::normal) continue;
      const float score = data.scores[piece - data.tokens.begin()];
      if (best == symbols.size() || score > best_score) best = i, best_score = score;
    }
    if (best == symbols.size()) return symbols;
    symbols[best] += symbols[best + 1];
    symbols.erase(symbols.begin() + static_cast<ptrdiff_t>(best) + 1);
  }
}

TEST(SentencePiece, AgreesWithTheDefinition) {
  std::mt19937 random(11);
  const std::array<std::string, 5> letters = {"a", "b", kSign, "é", "😀"};
  for (int round = 0; round < 400; ++round) {
    const auto word = [&](size_t most) {
      std::string out;
      for (size_t i = 1 + random() % most; i > 0; --i) out += letters[random() % letters.size()];
      return out;
    };
    std::vector<std::string> pieces;
    for (int i = 0; i < 25; ++i) {
      const std::string piece = word(4);
      if (std::find(pieces.begin(), pieces.end(), piece) == pieces.end()) pieces.push_back(piece);
    }
    TokenizerData data = small_data(pieces);
    for (float& score : data.scores) score = std::floor(score / 2);  // some pieces are equally good
    const auto tokenizer = make_tokenizer(data);
    std::string text = word(200);
    if (round % 2) {
      for (size_t at = text.find(kSign); at != text.npos; at = text.find(kSign)) text.replace(at, kSign.size(), " ");
    }
    Ids expected;
    for (const std::string& symbol : merged_by_definition(data, text)) {
      const auto piece = std::find(data.tokens.begin(), data.tokens.end(), symbol);
      if (piece != data.tokens.end()) {
        expected.push_back(static_cast<int32_t>(piece - data.tokens.begin()));
      } else {
        for (const char byte : symbol) expected.push_back(2 + static_cast<uint8_t>(byte));
      }
    }
    for (int again = 0; again < 2; ++again) ASSERT_EQ(tokenizer->encode(text, {}), expected) << text;
  }
}

TEST(SentencePiece, RepeatedWordsComeOutAlikeInLongTexts) {
  std::mt19937 random(5);
  const TokenizerData data = small_data({kSign, "a", "b", "c", "ab", kSign + "ab", "abc", "bc", kSign + "a"});
  const auto tokenizer = make_tokenizer(data);
  std::string text;
  Ids expected;
  for (int i = 0; i < 5000; ++i) {  // long enough to remember words; no piece has ▁ inside, so words stand alone
    std::string word = " ";
    for (size_t n = random() % 6; n > 0; --n) word += "abc"[random() % 3];
    text += word;
    const Ids own = tokenizer->encode(word, {});
    expected.insert(expected.end(), own.begin(), own.end());
  }
  EXPECT_EQ(tokenizer->encode(text, {}), expected);
}

TEST(SentencePiece, UnknownCharactersBecomeBytesOrOneUnknownToken) {
  EXPECT_EQ(make_tokenizer(small_data({"a"}))->encode("aé\xFF", {}),
            (Ids{258, 2 + 0xC3, 2 + 0xA9, 2 + 0xEF, 2 + 0xBF, 2 + 0xBD}));
  TokenizerData data = small_data({"a"}, false);
  EXPECT_EQ(make_tokenizer(data)->encode("éxa b", {}), (Ids{0, 2, 0}));
  data.fuse_unk = false;
  EXPECT_EQ(make_tokenizer(data)->encode("éxa", {}), (Ids{0, 0, 2}));
  const std::string long_text(20'000, 'x');  // no memory of pieces may break the rule
  data.fuse_unk = true;
  EXPECT_EQ(make_tokenizer(data)->encode(long_text, {}), Ids{0});
}

TEST(SentencePiece, UserDefinedPiecesAreFoundInAnyTextAndControlTokensOnRequest) {
  TokenizerData data = small_data({"a", kSign, kSign + "a"});
  const auto add = [&](const char* text, TokenType type) {
    data.tokens.push_back(text);
    data.types.push_back(type);
    data.scores.push_back(-1000);
    return static_cast<int32_t>(data.tokens.size() - 1);
  };
  const int32_t two = add("\xE2\x96\x81\xE2\x96\x81", TokenType::user_defined), three = add("   ", TokenType::user_defined),
                turn = add("<start_of_turn>", TokenType::control);
  const auto tokenizer = make_tokenizer(data);
  EXPECT_EQ(tokenizer->encode("   a  a a", {}), (Ids{three, 258, two, 258, 260}));
  EXPECT_EQ(tokenizer->encode("<start_of_turn>", {}), Ids{turn});  // SentencePiece has it as user-defined
  EXPECT_EQ(tokenizer->encode("<s>", {}).size(), 3u);
  EXPECT_EQ(tokenizer->encode("<s>a", {.parse_special = true}), (Ids{1, 258}));
  EXPECT_EQ(tokenizer->encode("<unk>", {.parse_special = true}), Ids{0});
  EXPECT_EQ(tokenizer->bytes(two), "  ");
  data.added_in_raw_text = true;  // tokenizer.json: literally
  const auto raw = make_tokenizer(data);
  EXPECT_EQ(raw->encode("▁▁a", {}), (Ids{two, 258}));
  EXPECT_EQ(raw->encode("  a", {}), (Ids{259, 260}));
  EXPECT_EQ(raw->encode("   a", {}), (Ids{three, 258}));
}

TEST(SentencePiece, APrefixSpaceStandsBeforeEveryRunOfText) {
  TokenizerData data = small_data({"a", kSign, kSign + "a"});
  data.space_prefix = data.strip_leading_space = true;
  const auto tokenizer = make_tokenizer(data);
  EXPECT_EQ(tokenizer->encode("a a", {}), (Ids{260, 260}));
  EXPECT_EQ(tokenizer->encode("", {}), Ids());
  EXPECT_EQ(tokenizer->encode("a<s>a", {.parse_special = true}), (Ids{260, 1, 260}));
  EXPECT_EQ(tokenizer->decode(Ids{260, 260}, false), "a a");
  EXPECT_EQ(tokenizer->decode(Ids{1, 260}, false), "<s> a");
  EXPECT_EQ(tokenizer->decode(Ids{1, 260}, true), "a");
  const auto json = make_tokenizer(read_tokenizer_json(converted(data, true, true), ""));
  EXPECT_EQ(json->encode("a a<s>a", {.parse_special = true}), (Ids{260, 260, 1, 260}));
  EXPECT_EQ(json->decode(Ids{260, 260}, false), "a a");
}

// decoding

Ids byte_ids(std::string_view bytes) {
  Ids ids;
  for (const char byte : bytes) ids.push_back(2 + static_cast<uint8_t>(byte));
  return ids;
}

TEST(SentencePiece, ARunOfBytesIsTextAsAWholeOrNotAtAll) {
  const auto tokenizer = make_tokenizer(small_data({"a"}));
  const std::string bad(kReplacement);
  EXPECT_EQ(tokenizer->decode(byte_ids("A€B"), false), "A€B");
  EXPECT_EQ(tokenizer->decode(byte_ids("A\x80" "B"), false), bad + bad + bad);
  EXPECT_EQ(tokenizer->decode(byte_ids("\xE2\x82"), false), bad + bad);
  Ids cut = byte_ids("\xE2\x82");
  cut.push_back(258);  // a
  cut.push_back(2 + 0xAC);
  EXPECT_EQ(tokenizer->decode(cut, false), bad + bad + "a" + bad);
  cut[2] = 1;  // <s>, left out: the run goes on
  EXPECT_EQ(tokenizer->decode(cut, true), "€");
  EXPECT_EQ(tokenizer->decode(cut, false), bad + bad + "<s>" + bad);
}

TEST(SentencePiece, StreamsWhatDecodingTheWholeGives) {
  TokenizerData data = small_data({"a", kSign + "b", "é"});
  std::mt19937 random(4);
  const std::string bytes = "A\xE2\x82\xAC\xF0\x9F\x98\x80\xC3";
  for (const bool strip : {false, true}) {
    data.strip_leading_space = strip;
    const auto tokenizer = make_tokenizer(data);
    for (int round = 0; round < 3000; ++round) {
      Ids ids;
      for (int i = 0; i < 10; ++i) {
        ids.push_back(random() % 3 == 0 ? static_cast<int32_t>(random() % 2 ? 258 + random() % 3 : 1)
                                        : 2 + static_cast<uint8_t>(bytes[random() % bytes.size()]));
      }
      for (const bool skip : {true, false}) {
        Detokenizer stream(*tokenizer, skip);
        std::string joined;
        for (const int32_t id : ids) {
          const std::string piece = stream.append(id);
          ASSERT_TRUE(valid_utf8(piece));
          joined += piece;
        }
        ASSERT_EQ(joined + stream.flush(), tokenizer->decode(ids, skip));
      }
    }
  }
}

// hostile files

TEST(SentencePiece, NamesOfBytesAreExact) {
  EXPECT_EQ(byte_of_token("<0x0A>"), 0x0A);
  EXPECT_EQ(byte_of_token("<0xFF>"), 0xFF);
  for (const char* text : {"<0x-1>", "<0x1>", "<0x0a>", "<0x100>", "<0xG0>", "0x0A", "<0x0A", "", "<0x0A> "}) {
    EXPECT_EQ(byte_of_token(text), std::nullopt) << text;
  }
}

TEST(SentencePiece, RefusesDataThatMakesNoSense) {
  const auto expect_bad = [](auto change, const char* why) {
    TokenizerData data = small_data({"a", "b", "ab"});
    change(data);
    EXPECT_THAT([&] { make_tokenizer(data); }, ThrowsMessage<Error>(HasSubstr(why)));
  };
  expect_bad([](auto& data) { data.tokens[5] = "<0x-1>"; }, "spelled '<0x-1>'");
  expect_bad([](auto& data) { data.scores.pop_back(); }, "scores");
  expect_bad([](auto& data) { data.scores.back() = NAN; }, "score of token");
  expect_bad([](auto& data) { data.tokens.back() = std::string(300, 'a'); }, "at most 256");
  expect_bad([](auto& data) { data.unk = 100'000; }, "unknown id 100000");
  expect_bad([](auto& data) { data.unk.reset(), data.types[5] = TokenType::unused; }, "neither all 256 bytes");
  expect_bad([](auto& data) { data.scores.clear(), data.merges = {{"a", "x"}}; }, "'x', which is not in the vocabulary");
}

// A protocol buffer in the making.
std::string field(int number, std::string_view bytes) {
  std::string out(1, static_cast<char>(number << 3 | 2));
  for (size_t size = bytes.size(); ; size >>= 7) {
    out += static_cast<char>((size & 0x7F) | (size > 0x7F ? 0x80 : 0));
    if (size <= 0x7F) break;
  }
  return out + std::string(bytes);
}
std::string field(int number, uint8_t value) {
  return (number < 16 ? std::string(1, static_cast<char>(number << 3))
                      : std::string{static_cast<char>((number << 3 & 0x7F) | 0x80), static_cast<char>(number >> 4)}) +
         std::string(1, static_cast<char>(value));
}
std::string piece(std::string_view text, float score, uint8_t type) {
  std::string bytes(4, 0);
  std::memcpy(bytes.data(), &score, 4);
  return field(1, field(1, text) + "\x15" + bytes + field(3, type));
}
std::string small_model(const std::string& trainer = field(3, uint8_t{2}),
                        const std::string& normalizer = field(3, uint8_t{0}) + field(4, uint8_t{0})) {
  std::string model = piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3);
  for (int byte = 0; byte < 256; ++byte) model += piece(fmt::format("<0x{:02X}>", byte), 0, 6);
  return model + piece("a", -1, 1) + piece("b", -2, 1) + piece("ab", 0, 1) + piece("\n\n", 0, 4) + field(2, trainer) +
         field(3, normalizer);
}

TEST(SentencePieceModel, ReadsPiecesAndSettings) {
  const TokenizerData data = read_sentencepiece_model(small_model(), "");
  EXPECT_EQ(data.tokens.size(), 263u);
  EXPECT_EQ(data.unk, 0);
  EXPECT_EQ(data.bos, 1);
  EXPECT_EQ(data.eos, 2);
  EXPECT_EQ(data.pad, std::nullopt);
  EXPECT_FALSE(data.space_prefix);
  EXPECT_EQ(make_tokenizer(data)->encode("abba\n\n", {}), (Ids{261, 260, 259, 262}));
  const std::string defaults = field(4, uint8_t{0});
  EXPECT_TRUE(read_sentencepiece_model(small_model(field(3, uint8_t{2}), defaults), "").space_prefix);
  EXPECT_EQ(read_sentencepiece_model(small_model(field(3, uint8_t{2}) + field(41, uint8_t{2})), "").bos, 2);
}

TEST(SentencePieceModel, TheConfigurationAddsTokens) {
  const TokenizerData data = read_sentencepiece_model(small_model(), R"({
    "added_tokens_decoder": {"263": {"content": "<end_of_turn>", "special": true}, "262": {"content": "\n\n"}},
    "eos_token": "<end_of_turn>", "add_bos_token": false, "model_max_length": 1000000000000000019884624838656})");
  EXPECT_EQ(data.types[263], TokenType::control);
  EXPECT_EQ(data.types[262], TokenType::user_defined);
  EXPECT_EQ(data.end_ids, Ids{263});
  EXPECT_FALSE(data.add_bos);
  EXPECT_EQ(make_tokenizer(data)->encode("a<end_of_turn>", {.parse_special = true}), (Ids{259, 263}));
}

TEST(SentencePieceModel, RefusesWhatItWouldEncodeDifferently) {
  const auto expect_refused = [](const std::string& model, const char* why) {
    EXPECT_THAT([&] { make_tokenizer(read_sentencepiece_model(model, "")); }, ThrowsMessage<Error>(HasSubstr(why)));
  };
  expect_refused(small_model(field(3, uint8_t{1})), "model type 1");
  expect_refused(small_model(""), "model type 1");  // the default is unigram
  expect_refused(small_model(field(3, uint8_t{2}), ""), "extra white space");
  expect_refused(small_model(field(3, uint8_t{2}), field(4, uint8_t{0}) + field(2, "table")), "table of characters");
  expect_refused(small_model() + piece("x", 0, 5), "unused");
  expect_refused(small_model() + piece("x", 0, 7), "unknown type 7");
  expect_refused(small_model() + piece("", 0, 1), "empty");
  expect_refused(small_model() + piece("\xFF", 0, 1), "no UTF-8");
  expect_refused(small_model() + piece("x", INFINITY, 1), "score");
  expect_refused(field(1, uint8_t{3}), "not text");
  expect_refused(std::string("\x0B"), "wire type 3");
  expect_refused(std::string(1, '\0'), "number 0");
  expect_refused(std::string(11, '\xFF'), "64 bits");
  expect_refused("\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", "cut short");
}

TEST(SentencePieceModel, SurvivesCutsAndFlippedBytes) {
  const std::string whole = small_model();
  const auto read = [](const std::string& bytes) {
    try {
      make_tokenizer(read_sentencepiece_model(bytes, ""))->encode("ab <s> ba\n\n", {.parse_special = true});
    } catch (const Error&) {
    }
  };
  for (size_t cut = 0; cut < whole.size(); ++cut) read(whole.substr(0, cut));
  std::mt19937 random(9);
  for (int round = 0; round < 3000; ++round) {
    std::string bad = whole;
    for (int flips = 1 + static_cast<int>(random() % 3); flips > 0; --flips) {
      bad[random() % bad.size()] = static_cast<char>(random());
    }
    read(bad);
  }
}

TEST(SentencePieceJson, RefusesWhatItWouldEncodeDifferently) {
  const std::string good = converted(small_data({"a", "b", "ab"}), true);
  const auto expect_refused = [&](const char* pointer, const Json& value, const char* why) {
    Json file = Json::parse(good);
    file[Json::json_pointer(pointer)] = value;
    EXPECT_THAT([&] { make_tokenizer(read_tokenizer_json(file.dump(), "")); }, ThrowsMessage<Error>(HasSubstr(why)))
        << pointer;
  };
  expect_refused("/normalizer/content", "_", "'Replace' is not supported");
  expect_refused("/pre_tokenizer/type", "Metaspace", "'Metaspace'");
  expect_refused("/pre_tokenizer/pattern/String", "a", "'Split'");
  expect_refused("/decoder/decoders/0/content", "_", "'Replace'");
  expect_refused("/decoder/decoders/1/type", "CTC", "'CTC'");
  expect_refused("/model/unk_token", "<nope>", "unk_token is '<nope>'");
  expect_refused("/model/type", "Unigram", "'Unigram'");
  expect_refused("/model/merges/0", Json({"a", "\n"}), "which is not in the vocabulary");
}

}  // namespace
}  // namespace troika::text
