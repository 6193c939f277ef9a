// Llama 3's byte-level BPE: its pattern, by cases derived by hand from it, and tokens that no merge leads to.
#include <gtest/gtest.h>

#include "text/pre_tokenizer.h"
#include "text/tokenizer.h"
#include "text/tokenizer_samples.h"

namespace troika::text {
namespace {

using Ids = std::vector<int32_t>;
using samples::Json;

std::vector<std::string> pieces_of(const char* name, std::string_view text) {
  const PreTokenizer splitter(name);
  PreTokenizer::Pieces pieces(splitter, text);
  std::vector<std::string> out;
  for (auto piece = pieces.next(); !piece.empty(); piece = pieces.next()) out.emplace_back(piece);
  return out;
}

TEST(Llama3, SplitsByItsPattern) {
  struct Case {
    const char* text;
    std::vector<std::string> pieces;
  };
  const Case cases[] = {
      {"1234567 12", {"123", "456", "7", " ", "12"}},       // digits in threes, from the left, without a space
      {"x1234y", {"x", "123", "4", "y"}},
      {"٣٤٥٦ ½²Ⅷ", {"٣٤٥", "٦", " ", "½²Ⅷ"}},              // any number of Unicode
      {"I'LL don't 'Sx", {"I", "'LL", " don", "'t", " '", "Sx"}},  // a contraction needs no space before it
      {"(word) #tag", {"(word", ")", " #", "tag"}},         // one sign may lead letters, a space before it may not
      {" a  b   c", {" a", " ", " b", "  ", " c"}},         // the last space goes with the word
      {"end.\n\nNew\r\n", {"end", ".\n\n", "New", "\r\n"}},  // line ends stay with the signs before them
      {"a \n \n b", {"a", " \n \n", " b"}},
      {"!!!\t\tx", {"!!!", "\t", "\tx"}},
      {"  ", {"  "}},
      {"naïve中文😀", {"naïve中文", "😀"}},
      {"e\xCC\x81", {"e", "\xCC\x81"}},                     // a combining mark is no letter
  };
  for (const char* name : {"llama-bpe", "llama3", "llama-v3"}) {
    for (const Case& c : cases) EXPECT_EQ(pieces_of(name, c.text), c.pieces) << c.text;
  }
}

TEST(Llama3, TheNameSaysWhatGgufFilesDoNot) {
  for (const char* name : {"llama-bpe", "llama3", "llama-v3"}) {
    const PreTokenizerRow& row = pre_tokenizer_row(name);
    EXPECT_FALSE(row.nfc);
    EXPECT_TRUE(row.ignore_merges);
    EXPECT_TRUE(row.add_bos);
  }
  EXPECT_TRUE(pre_tokenizer_row("qwen2").nfc);
  EXPECT_FALSE(pre_tokenizer_row("gpt-2").nfc);
}

// The toy vocabulary as a Llama 3 file writes it.
Json toy_llama3() {
  Json file = samples::toy_tokenizer_json();
  file["normalizer"] = nullptr;
  file["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+)"
      R"(|\s+(?!\S)|\s+)";
  file["post_processor"] = {
      {"type", "Sequence"},
      {"processors",
       {{{"type", "ByteLevel"}},
        {{"type", "TemplateProcessing"},
         {"single", {{{"SpecialToken", {{"id", "<|im_end|>"}}}}, {{"Sequence", {{"id", "A"}}}}}}}}}};
  file["model"]["ignore_merges"] = true;
  file["model"]["merges"] = {"h e", "l l"};  // nothing leads to "hello" (259)
  return file;
}

TEST(Llama3, ATokenIsTakenThoughNoMergeLeadsThere) {
  Json file = toy_llama3();
  const TokenizerData data = read_tokenizer_json(file.dump(), R"({"bos_token": "<|im_end|>"})");
  EXPECT_TRUE(data.ignore_merges);
  EXPECT_TRUE(data.add_bos);
  EXPECT_FALSE(data.nfc);
  EXPECT_EQ(data.pre, "llama-bpe");
  const auto tokenizer = make_tokenizer(data);
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(tokenizer->encode("hello", {}), Ids{259});
    EXPECT_EQ(tokenizer->encode("hellohello", {}), (Ids{256, 257, 'o', 256, 257, 'o'}));  // no token as a whole
  }
  EXPECT_EQ(tokenizer->encode("hello", {.add_bos = true}), (Ids{263, 259}));
  file["model"]["ignore_merges"] = false;
  EXPECT_EQ(make_tokenizer(read_tokenizer_json(file.dump(), ""))->encode("hello", {}), (Ids{256, 257, 'o'}));
}

TEST(Llama3, AnAddedTokenIsNotTakenFromPlainText) {
  Json file = toy_llama3();
  file["added_tokens"].push_back({{"id", 265}, {"content", "word"}, {"special", true}});
  const auto tokenizer = make_tokenizer(read_tokenizer_json(file.dump(), ""));
  EXPECT_EQ(tokenizer->encode("word", {}), (Ids{'w', 'o', 'r', 'd'}));
  EXPECT_EQ(tokenizer->encode("word", {.parse_special = true}), Ids{265});
}

TEST(Llama3, EndsAtEveryEndOfTurn) {
  TokenizerData data;
  data.tokens = {"a", "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>", "<|start_header_id|>"};
  data.types = {TokenType::normal, TokenType::control, TokenType::control, TokenType::control, TokenType::control};
  data.eos = 2;
  EXPECT_EQ(find_end_ids(data), (Ids{1, 2, 3}));
}

}  // namespace
}  // namespace troika::text
