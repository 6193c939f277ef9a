// Byte-level BPE: the real Qwen tokenizer against its goldens from every kind of file, hostile files, long
// texts.
#include "text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <thread>

#include "base/error.h"
#include "text/byte_pair_merger.h"
#include "text/gguf_text.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer_samples.h"
#include "text/unicode.h"

namespace troika::text {
namespace {

using samples::GgufText;
using samples::Json;
using testing::HasSubstr;
using testing::ThrowsMessage;

// the real vocabulary

TokenizerData data_of_gguf(const GgufText& file) {
  TokenizerData data;
  data.pre = file.strings.at("tokenizer.ggml.pre").at(0);
  data.nfc = pre_tokenizer_row(data.pre).nfc;
  data.tokens = file.strings.at("tokenizer.ggml.tokens");
  for (const int64_t type : file.numbers.at("tokenizer.ggml.token_type")) {
    data.types.push_back(static_cast<TokenType>(type));
  }
  for (const std::string& merge : file.strings.at("tokenizer.ggml.merges")) {
    const size_t space = merge.find(' ');
    data.merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
  }
  data.eos = static_cast<int32_t>(file.numbers.at("tokenizer.ggml.eos_token_id").at(0));
  data.end_ids = find_end_ids(data);
  return data;
}

class Qwen2Tokenizer : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(folder() / "vocab.json")) {
      GTEST_SKIP() << "the real tokenizers are not in " << samples::data_folder();
    }
  }
  static std::filesystem::path folder() { return samples::data_folder() / "tokenizers/qwen2"; }
  static std::string config(const char* version) {
    return samples::read(folder() / (std::string("tokenizer_config.") + version + ".json"));
  }

  // The tokenizer.json that belongs to vocab.json and merges.txt.
  static std::string tokenizer_json(bool merges_as_pairs) {
    Json file = samples::toy_tokenizer_json();
    file["added_tokens"] = Json::array();
    const Json tokenizer_config = Json::parse(config("qwen3"));
    for (const auto& [id, token] : tokenizer_config["added_tokens_decoder"].items()) {
      Json entry = token;
      entry["id"] = std::stoi(id);
      file["added_tokens"].push_back(entry);
    }
    file["model"]["vocab"] = Json::parse(samples::read(folder() / "vocab.json"));
    Json merges = Json::array();
    std::istringstream lines(samples::read(folder() / "merges.txt"));
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
      const size_t space = line.find(' ');
      if (merges_as_pairs) {
        merges.push_back({line.substr(0, space), line.substr(space + 1)});
      } else {
        merges.push_back(line);
      }
    }
    file["model"]["merges"] = std::move(merges);
    return file.dump();
  }

  static TokenizerData vocab_and_merges(const char* version) {
    return read_vocab_and_merges(samples::read(folder() / "vocab.json"),
                                 samples::read(folder() / "merges.txt"), config(version));
  }

  static const Tokenizer& from_vocab() {
    static const auto tokenizer = make_tokenizer(vocab_and_merges("qwen3"));
    return *tokenizer;
  }

  // `knows_thinking`: Qwen2.5 lacks the four tokens that Qwen3 added.
  static void expect_goldens(const Tokenizer& tokenizer, bool knows_thinking) {
    const Json goldens = Json::parse(samples::read(samples::data_folder() / "tokenizer-goldens/qwen2.json"));
    size_t compared = 0;
    for (const Json& golden : goldens["cases"]) {
      const std::string text = golden["text"], name = golden["id"];
      const bool thinking = text.find("think>") != text.npos || text.find("tool_response>") != text.npos;
      if (!knows_thinking && thinking) continue;
      ++compared;
      const auto ids = golden["ids"].get<std::vector<int32_t>>();
      EXPECT_EQ(tokenizer.encode(text, {.parse_special = true}), ids) << name;
      EXPECT_EQ(tokenizer.decode(ids, false), golden.value("decoded", text)) << name;
      const char* plain = golden.contains("ids_plain") ? "ids_plain" : "ids";
      EXPECT_EQ(tokenizer.encode(text, {}), golden[plain].get<std::vector<int32_t>>())
          << name << " " << plain;
    }
    EXPECT_GT(compared, 150u);
  }
};

TEST_F(Qwen2Tokenizer, MeetsTheGoldensFromVocabAndMerges) {
  expect_goldens(from_vocab(), true);
  expect_goldens(*make_tokenizer(vocab_and_merges("qwen2.5")), false);
}

TEST_F(Qwen2Tokenizer, MeetsTheGoldensFromTokenizerJson) {
  for (const bool pairs : {false, true}) {
    const TokenizerData data = read_tokenizer_json(tokenizer_json(pairs), config("qwen3"));
    EXPECT_EQ(data.merges.size(), 151387u);
    EXPECT_EQ(data.tokens.size(), 151669u);
    expect_goldens(*make_tokenizer(data), true);
  }
}

TEST_F(Qwen2Tokenizer, MeetsTheGoldensFromGguf) {
  const TokenizerData data = data_of_gguf(GgufText(samples::read(folder() / "qwen3-vocab-only.gguf")));
  const auto tokenizer = make_tokenizer(data);
  expect_goldens(*tokenizer, true);
  EXPECT_EQ(tokenizer->vocab_size(), 151936);
  EXPECT_EQ(tokenizer->type(151669), TokenType::unused);
  EXPECT_EQ(tokenizer->bytes(151669), "");
  EXPECT_EQ(data.end_ids, (std::vector<int32_t>{151643, 151645, 151662, 151663, 151664}));
}

TEST_F(Qwen2Tokenizer, ReadsTheConfiguration) {
  const TokenizerData data = vocab_and_merges("qwen2.5");
  EXPECT_EQ(data.pre, "qwen2");
  EXPECT_TRUE(data.nfc);
  EXPECT_FALSE(data.add_bos);
  EXPECT_EQ(data.bos, std::nullopt);
  EXPECT_EQ(data.eos, 151645);
  EXPECT_EQ(data.pad, 151643);
  EXPECT_EQ(data.end_ids, (std::vector<int32_t>{151643, 151645, 151662, 151663, 151664}));
  EXPECT_EQ(data.types[151645], TokenType::control);
  EXPECT_EQ(data.types[151657], TokenType::user_defined);
  EXPECT_EQ(data.types[0], TokenType::normal);
  EXPECT_EQ(data.chat_template, samples::read(samples::data_folder() / "chat-templates/qwen2.5.jinja"));
}

TEST_F(Qwen2Tokenizer, MeetsLlamaCppsVocabularyTests) {
  const auto folder = samples::data_folder() / "ggml-vocab";
  const GgufText gpt2(samples::read(folder / "ggml-vocab-gpt-2.gguf"));
  const auto gpt2_tokenizer = make_tokenizer(data_of_gguf(gpt2));
  const std::pair<const Tokenizer*, const char*> cases[] = {{&from_vocab(), "qwen2"},
                                                            {gpt2_tokenizer.get(), "gpt-2"}};
  for (const auto& [tokenizer, name] : cases) {
    const std::string texts = samples::read(folder / (std::string("ggml-vocab-") + name + ".gguf.inp"));
    std::istringstream lines(samples::read(folder / (std::string("ggml-vocab-") + name + ".gguf.out")));
    const std::string border = "\n__ggml_vocab_test__\n";
    std::string line;
    size_t compared = 0;
    for (size_t at = 0; at < texts.size() && std::getline(lines, line); ++compared) {
      const size_t end = std::min(texts.find(border, at), texts.size());
      const std::string text = texts.substr(at, end - at);
      at = end + border.size();
      std::istringstream numbers(line);
      const std::vector<int32_t> expected{std::istream_iterator<int32_t>(numbers), {}};
      EXPECT_EQ(tokenizer->encode(text, {}), expected) << name << ": " << text;
    }
    EXPECT_GT(compared, 40u) << name;
  }
}

TEST_F(Qwen2Tokenizer, RestoresAllTextThatIsNormal) {
  for (const char* name : {"mixed_input.txt", "small_input.txt", "utf8_input.txt"}) {
    const std::string text = nfc(samples::read(samples::data_folder() / "tokenizer-goldens/kitoken" / name));
    EXPECT_EQ(from_vocab().decode(from_vocab().encode(text, {}), false), text) << name;
  }
}

// Nothing is timed: a step that is quadratic in these texts would outlast the test's time limit by far.
TEST_F(Qwen2Tokenizer, EncodesLongTextsOfOneUnit) {
  const Tokenizer& tokenizer = from_vocab();
  constexpr size_t bytes = 1'000'000;
  for (const char* unit :
       {"a",  " ",        "\n",         "!", "1",  "é",  "中", "\t \n", "ab",           "=",
        "' ", "\xCC\x81", "<|im_end|>", "<", " a", "\r", "'s", "\xFF",  "\xE3\x80\x80", "x "}) {
    std::string text;
    while (text.size() < bytes) text += unit;
    const auto ids = tokenizer.encode(text, {.parse_special = true});
    EXPECT_EQ(tokenizer.decode(ids, false).size(), (valid_utf8(text) ? text : sanitize_utf8(text)).size())
        << unit;
  }
}

TEST_F(Qwen2Tokenizer, EncodesAlikeFromManyThreads) {
  const auto tokenizer = make_tokenizer(vocab_and_merges("qwen3"));  // fresh: nothing remembered yet
  const std::string text =
      nfc(samples::read(samples::data_folder() / "tokenizer-goldens/kitoken/mixed_input.txt"))
          .substr(0, 20'000);
  const auto expected = from_vocab().encode(sanitize_utf8(text), {});
  std::vector<std::vector<int32_t>> got(8);
  {
    std::vector<std::jthread> threads;
    for (auto& ids : got) threads.emplace_back([&] { ids = tokenizer->encode(text, {}); });
  }
  for (const auto& ids : got) EXPECT_EQ(ids, expected);
}

// the toy vocabulary

TEST(Tokenizer, MergesByRankWithinPieces) {
  const auto tokenizer = samples::toy_tokenizer();
  EXPECT_EQ(tokenizer->encode("hello world", {}), (std::vector<int32_t>{259, 260, 'o', 'r', 'l', 'd'}));
  EXPECT_EQ(tokenizer->encode("", {}), std::vector<int32_t>());
  EXPECT_EQ(tokenizer->encode("aaaaa", {}), (std::vector<int32_t>{262, 'a'}));
  EXPECT_EQ(tokenizer->encode(std::string("\0", 1), {}), std::vector<int32_t>{0});
  EXPECT_EQ(tokenizer->data().end_ids, std::vector<int32_t>{263});
}

TEST(Tokenizer, AWholePieceInTheVocabularyCountsOnlyIfMergesLeadThere) {
  Json file = samples::toy_tokenizer_json();
  file["model"]["vocab"]["zz"] = 265;      // no merge makes it
  file["model"]["vocab"]["helloa"] = 266;  // its merge is hidden by one of lower rank
  file["model"]["vocab"]["lloa"] = 267;
  file["model"]["vocab"]["loa"] = 268;
  file["model"]["vocab"]["oa"] = 269;
  file["model"]["merges"] = {"o a", "h e", "l l", "he ll", "hell o", "hello a", "l oa", "l loa"};
  const auto tokenizer = make_tokenizer(read_tokenizer_json(file.dump(), ""));
  for (int again = 0; again < 2; ++again) {  // first found out, then remembered
    EXPECT_EQ(tokenizer->encode("zz", {}), (std::vector<int32_t>{'z', 'z'}));
    EXPECT_EQ(tokenizer->encode("helloa", {}), (std::vector<int32_t>{258, 269}));
    EXPECT_EQ(tokenizer->encode("hello", {}), std::vector<int32_t>{259});
  }
}

TEST(Tokenizer, FindsAddedTokensOnRequestOnly) {
  const auto tokenizer = samples::toy_tokenizer();
  EXPECT_EQ(tokenizer->encode("hello<tool>hello", {.parse_special = true}), (std::vector<int32_t>{259, 264, 259}));
  EXPECT_EQ(tokenizer->encode("<tool>", {}).size(), 6u);
  EXPECT_EQ(tokenizer->encode("<|im_end|>", {.parse_special = true}), std::vector<int32_t>{263});
  EXPECT_EQ(tokenizer->encode("<|im_end|>", {}).size(), 10u);
}

TEST(Tokenizer, PrefersTheLongestAddedTokenAtTheLeftmostPlace) {
  TokenizerData data = read_tokenizer_json(samples::toy_tokenizer_json().dump(), "");
  for (const char* text : {"<a", "<a><b", "a><", "<a>"}) {
    data.tokens.push_back(text);
    data.types.push_back(TokenType::user_defined);
  }
  const auto tokenizer = make_tokenizer(data);
  EXPECT_EQ(tokenizer->encode("<a><b", {.parse_special = true}), std::vector<int32_t>{266});
  EXPECT_EQ(tokenizer->encode("<a><c", {.parse_special = true}), (std::vector<int32_t>{268, '<', 'c'}));
  EXPECT_EQ(tokenizer->encode("a><a", {.parse_special = true}), (std::vector<int32_t>{267, 'a'}));
  EXPECT_EQ(tokenizer->encode("<<a", {.parse_special = true}), (std::vector<int32_t>{'<', 265}));
}

TEST(Tokenizer, PutsBosInFrontOnlyWhenAskedAndKnown) {
  TokenizerData data = read_tokenizer_json(samples::toy_tokenizer_json().dump(), "");
  EXPECT_EQ(make_tokenizer(data)->encode("a", {.add_bos = true}), std::vector<int32_t>{'a'});
  data.bos = 263;
  EXPECT_EQ(make_tokenizer(data)->encode("a", {.add_bos = true}), (std::vector<int32_t>{263, 'a'}));
  EXPECT_EQ(make_tokenizer(data)->encode("a", {}), std::vector<int32_t>{'a'});
}

TEST(Tokenizer, TakesBrokenUtf8AsReplacementCharacters) {
  const auto tokenizer = samples::toy_tokenizer();
  EXPECT_EQ(tokenizer->encode("a\xFF\xE2\x82", {}), tokenizer->encode("a\xEF\xBF\xBD\xEF\xBF\xBD", {}));
}

TEST(Tokenizer, WhiteSpaceIsThatOfUnicode) {
  const PreTokenizer splitter("qwen2");
  const auto pieces_of = [&](std::string_view text) {
    PreTokenizer::Pieces pieces(splitter, text);
    std::vector<std::string> out;
    for (auto piece = pieces.next(); !piece.empty(); piece = pieces.next()) out.emplace_back(piece);
    return out;
  };
  for (char32_t c = 1; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    const bool space = (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
                       (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
                       c == 0x205F || c == 0x3000;
    std::string text = "!";
    append_utf8(text, c);
    append_utf8(text, c);
    text += "!";
    // Marks and symbols join both exclamation marks; of white space, line ends join the first one.
    const std::vector<std::string> pieces = pieces_of(text);
    std::string joined;
    for (const std::string& piece : pieces) joined += piece;
    ASSERT_EQ(joined, text);
    const bool format_control = c == 0x180E || c == 0x200B || c == 0xFEFF;  // white space elsewhere
    ASSERT_TRUE(!space || pieces.size() > 1) << std::hex << uint32_t{c};
    ASSERT_TRUE(!format_control || pieces.size() == 1) << std::hex << uint32_t{c};
  }
  EXPECT_EQ(pieces_of("I'LL  go\r\n\n 12"),
            (std::vector<std::string>{"I", "'LL", " ", " go", "\r\n\n", " ", "1", "2"}));
}

TEST(BytePairMerger, ScanAndHeapAgreeWithTheDefinition) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::vector<Merge> merges;
    for (int32_t id = 2; id < 40; ++id) {
      const auto part = [&] { return static_cast<int32_t>(random() % std::min(id, 8)); };
      merges.push_back({.left = part(), .right = part(), .result = id});
    }
    std::shuffle(merges.begin(), merges.end(), random);
    for (size_t i = 0; i < merges.size(); ++i) merges[i].rank = static_cast<uint32_t>(i);
    const BytePairMerger merger(merges);
    std::vector<int32_t> symbols(random() % 120);
    for (int32_t& symbol : symbols) symbol = static_cast<int32_t>(random() % 2);
    std::vector<int32_t> expected = symbols;
    while (true) {
      const Merge* best = nullptr;
      size_t place = 0;
      for (const Merge& merge : merges) {
        for (size_t i = 0; best == nullptr && i + 1 < expected.size(); ++i) {
          if (expected[i] == merge.left && expected[i + 1] == merge.right) best = &merge, place = i;
        }
      }
      if (best == nullptr) break;
      expected[place] = best->result;
      expected.erase(expected.begin() + static_cast<ptrdiff_t>(place) + 1);
    }
    symbols.insert(symbols.begin(), {1, 2, 3});  // what stands before `from` stays
    merger.merge(symbols, 3);
    ASSERT_EQ(std::vector<int32_t>(symbols.begin() + 3, symbols.end()), expected);
    ASSERT_EQ(std::vector<int32_t>(symbols.begin(), symbols.begin() + 3), (std::vector<int32_t>{1, 2, 3}));
  }
}

// hostile files

void expect_refused(const std::string& tokenizer_json, const std::string& config, const std::string& why) {
  EXPECT_THAT([&] { make_tokenizer(read_tokenizer_json(tokenizer_json, config)); },
              ThrowsMessage<Error>(HasSubstr(why)))
      << tokenizer_json.substr(0, 200);
}

// The toy file with one place changed.
std::string changed(const std::string& pointer, const Json& value) {
  Json file = samples::toy_tokenizer_json();
  file[Json::json_pointer(pointer)] = value;
  return file.dump();
}

TEST(TokenizerFiles, RefusesIdsThatMakeNoSense) {
  expect_refused(changed("/model/vocab/hell", -1), "", "id of 'hell'");
  expect_refused(changed("/model/vocab/hell", 10'000'001), "", "id of 'hell'");
  expect_refused(changed("/model/vocab/hell", 9'000'000), "", "largest id");
  expect_refused(changed("/model/vocab/hell", 1e300), "", "id of 'hell'");
  expect_refused(changed("/model/vocab/hell", 18446744073709551615u), "", "id of 'hell'");
  expect_refused(changed("/model/vocab/hell", "3"), "", "id of 'hell'");
  expect_refused(changed("/model/vocab/hell", 256), "", "share the id 256");
  expect_refused(changed("/added_tokens/0/id", 5), "", "share the id 5");
  expect_refused(changed("/added_tokens/0/id", nullptr), "", "has no id");
  expect_refused(changed("/added_tokens/0/content", ""), "", "no content");
  const std::string toy = samples::toy_tokenizer_json().dump();
  for (const char* id : {"x", "-1", "99999999", "", "99999999999999999999", "1.5", " 1"}) {
    expect_refused(toy, fmt::format(R"({{"added_tokens_decoder": {{"{}": {{"content": "z"}}}}}})", id),
                   "not a token id");
  }
  expect_refused(toy, R"({"eos_token": "nowhere"})", "eos_token is 'nowhere'");
}

TEST(TokenizerFiles, FillsHolesWithUnusedTokens) {
  const auto tokenizer = make_tokenizer(read_tokenizer_json(changed("/added_tokens/0/id", 300), ""));
  EXPECT_EQ(tokenizer->vocab_size(), 301);
  EXPECT_EQ(tokenizer->type(280), TokenType::unused);
  EXPECT_EQ(tokenizer->bytes(280), "");
  EXPECT_EQ(tokenizer->bytes(300), "<|im_end|>");
}

TEST(TokenizerFiles, RefusesMergesThatLeadNowhere) {
  expect_refused(changed("/model/merges/0", "h zz"), "", "'zz'");
  expect_refused(changed("/model/merges/0", "h h"), "", "'hh'");
  for (const Json& merge : {Json("he"), Json(" he"), Json("h "), Json("h e l"), Json("")}) {
    expect_refused(changed("/model/merges/0", merge), "", "not two tokens");
  }
  expect_refused(changed("/model/merges/0", {"h"}), "", "1 parts");
  expect_refused(changed("/model/merges/0", 7), "", "not an array");
  expect_refused(changed("/model/merges/0", {1, 2}), "", "not a string");
}

TEST(TokenizerFiles, RefusesWhatItWouldEncodeDifferently) {
  expect_refused(changed("/model/type", "WordPiece"), "", "'WordPiece'");
  expect_refused(changed("/model/byte_fallback", true), "", "byte_fallback is not supported with byte-level");
  expect_refused(changed("/normalizer/type", "NFKC"), "", "'NFKC'");
  expect_refused(changed("/pre_tokenizer/pretokenizers/0/pattern/Regex", "(a+)+$"), "", "'(a+)+$'");
  expect_refused(changed("/pre_tokenizer/pretokenizers/0/behavior", "Removed"), "", "pattern");
  expect_refused(changed("/pre_tokenizer/pretokenizers/1/add_prefix_space", true), "", "add_prefix_space");
  expect_refused(changed("/pre_tokenizer", nullptr), "", "not that of a byte-level BPE");
  expect_refused(changed("/added_tokens/1/lstrip", true), "", "lstrip");
  Json file = samples::toy_tokenizer_json();
  file["model"]["vocab"].erase("Ā");  // the byte 0
  expect_refused(file.dump(), "", "no token for the byte 0x00");
}

TEST(TokenizerFiles, RefusesEveryWrongType) {
  const Json file = samples::toy_tokenizer_json().flatten();
  int refused = 0;
  for (const auto& [pointer, value] : file.items()) {
    for (const Json& wrong :
         {Json(nullptr), Json(true), Json(-7), Json("?"), Json::array({Json::array()}), Json{{"a", 1}}}) {
      try {
        make_tokenizer(read_tokenizer_json(changed(pointer, wrong), ""));
      } catch (const Error& error) {
        ++refused;
        ASSERT_NE(std::string(error.what()), "");
      }
    }
  }
  EXPECT_GT(refused, 1500);  // of about 1700; the rest changes what we need not read
}

TEST(TokenizerFiles, RefusesFilesThatAreCutShort) {
  const std::string whole = samples::toy_tokenizer_json().dump();
  for (size_t cut = 0; cut < whole.size(); ++cut)
    expect_refused(whole.substr(0, cut), "", "tokenizer.json: ");
  const std::string config =
      R"({"eos_token": {"content": "<|im_end|>"}, "chat_template": "x", "add_bos_token": true})";
  for (size_t cut = 1; cut < config.size(); ++cut) {
    expect_refused(whole, config.substr(0, cut), "tokenizer_config.json: ");
  }
}

TEST(TokenizerFiles, SurvivesFlippedBytes) {
  const std::string whole = samples::toy_tokenizer_json().dump();
  std::mt19937 random(5);
  for (int round = 0; round < 3000; ++round) {
    std::string bad = whole;
    for (int flips = 1 + static_cast<int>(random() % 3); flips > 0; --flips) {
      bad[random() % bad.size()] = static_cast<char>(random());
    }
    try {
      make_tokenizer(read_tokenizer_json(bad, ""))->encode("hello <tool> world", {.parse_special = true});
    } catch (const Error&) {
    }
  }
}

TEST(TokenizerFiles, RefusesDeepNesting) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  expect_refused(deep, "", "tokenizer.json: ");
  expect_refused("{\"model\": " + deep + "}", "", "tokenizer.json: ");
  expect_refused(samples::toy_tokenizer_json().dump(), "{\"chat_template\": " + deep + "}",
                 "tokenizer_config.json: ");
  expect_refused(std::string(100'000, '{'), "", "tokenizer.json: ");
}

TEST(TokenizerFiles, ReadsVocabAndMergesAsTheyComeFromTools) {
  const std::string vocabulary = samples::toy_vocabulary().dump();
  const auto read_with = [&](const std::string& merges, const std::string& config) {
    return make_tokenizer(read_vocab_and_merges(vocabulary, merges, config));
  };
  for (const char* merges :
       {"#version: 0.2\nh e\nl l\nhe ll\nhell o\n", "#version: 0.2\r\nh e\r\nl l\r\nhe ll\r\nhell o",
        "h e\nl l\nhe ll\nhell o\n\n"}) {
    EXPECT_EQ(read_with(merges, "")->encode("hello", {}), std::vector<int32_t>{259}) << merges;
  }
  EXPECT_EQ(read_with("", R"({"tokenizer_class": "GPT2Tokenizer"})")->data().pre, "gpt-2");
  EXPECT_THAT([&] { read_with("", R"({"tokenizer_class": "T5Tokenizer"})"); },
              ThrowsMessage<Error>(HasSubstr("'T5Tokenizer'")));
  EXPECT_THAT([&] { read_with("h e\nbroken\n", ""); },
              ThrowsMessage<Error>(HasSubstr("merge 1 is 'broken'")));
  EXPECT_THAT([&] { read_with("h \xFF\n", ""); }, ThrowsMessage<Error>(HasSubstr("not UTF-8")));
  EXPECT_THAT([&] { read_vocab_and_merges("[]", "", ""); }, ThrowsMessage<Error>(HasSubstr("not an object")));
  EXPECT_THAT([&] { read_vocab_and_merges("{}", "", ""); }, ThrowsMessage<Error>(HasSubstr("empty")));
}

TEST(TokenizerFiles, TakesTheDefaultOfSeveralChatTemplates) {
  const std::string toy = samples::toy_tokenizer_json().dump();
  const auto template_of = [&](const char* config) { return read_tokenizer_json(toy, config).chat_template; };
  EXPECT_EQ(template_of(R"({"chat_template": "one"})"), "one");
  EXPECT_EQ(template_of(R"({"chat_template": [{"name": "tool_use", "template": "a"},
                                              {"name": "default", "template": "b"}]})"),
            "b");
  EXPECT_EQ(template_of("{}"), "");
  EXPECT_THROW(template_of(R"({"chat_template": 5})"), Error);
}

TEST(TokenizerFiles, RefusesInconsistentData) {
  const TokenizerData good = read_tokenizer_json(samples::toy_tokenizer_json().dump(), "");
  const auto expect_bad = [&](auto change, const char* why) {
    TokenizerData data = good;
    change(data);
    EXPECT_THAT([&] { make_tokenizer(data); }, ThrowsMessage<Error>(HasSubstr(why)));
  };
  expect_bad([](auto& data) { data.tokens.clear(); }, "empty");
  expect_bad([](auto& data) { data.types.pop_back(); }, "265 tokens but 264 token types");
  expect_bad([](auto& data) { data.eos = 265; }, "eos id 265");
  expect_bad([](auto& data) { data.bos = -1; }, "bos id -1");
  expect_bad([](auto& data) { data.end_ids = {1 << 30}; }, "end id");
  expect_bad([](auto& data) { data.model = "llama"; }, "'llama'");
  expect_bad([](auto& data) { data.pre = "falcon"; }, "'falcon'");
  expect_bad([](auto& data) { data.tokens[263] = std::string(5000, '<'); }, "at most 1000");
}

TEST(TokenizerFiles, ForeignBytesInTokensAreKeptAsTheyAre) {
  TokenizerData data = read_tokenizer_json(samples::toy_tokenizer_json().dump(), "");
  data.tokens.push_back("\xFF\xFE");  // a GGUF may hold anything
  data.types.push_back(TokenType::normal);
  data.tokens.push_back("");
  data.types.push_back(TokenType::user_defined);
  const auto tokenizer = make_tokenizer(data);
  EXPECT_EQ(tokenizer->bytes(265), "\xFF\xFE");
  EXPECT_EQ(tokenizer->decode(std::vector<int32_t>{265, -5, 1 << 30}, false),
            std::string(kReplacement) + std::string(kReplacement));
  EXPECT_EQ(tokenizer->encode("a", {}), std::vector<int32_t>{'a'});
}

}  // namespace
}  // namespace troika::text
