// What the tests of grammars share: vocabularies made on the spot, and grammars compiled from their sources.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/ebnf.h"
#include "grammar/json_schema.h"
#include "grammar/machine.h"
#include "grammar/regex.h"
#include "grammar/token_grammar.h"
#include "text/byte_alphabet.h"
#include "text/tokenizer.h"

namespace troika::grammar::samples {

inline Automaton of_schema(std::string_view schema) {
  Rules rules;
  JsonRules json(rules);
  return compile(rules, json_schema(rules, json, Json::parse(schema)));
}
inline Automaton of_regex(std::string_view pattern) {
  Rules rules;
  return compile(rules, regex(rules, pattern));
}
inline Automaton of_ebnf(std::string_view source) {
  Rules rules;
  return compile(rules, ebnf(rules, source));
}

// All bytes, these texts, and two tokens that control: a beginning and an end.
inline std::unique_ptr<text::Tokenizer> tokenizer_of(const std::vector<std::string>& texts) {
  text::TokenizerData data{.nfc = false};
  auto add = [&](const std::string& token, text::TokenType type) {
    data.tokens.push_back(token);
    data.types.push_back(type);
  };
  for (int byte = 0; byte < 256; ++byte)
    add(text::to_byte_alphabet(std::string(1, char(byte))), text::TokenType::normal);
  for (const std::string& own : texts) add(text::to_byte_alphabet(own), text::TokenType::normal);
  add("<begin>", text::TokenType::control);
  add("<end>", text::TokenType::control);
  data.eos = int32_t(data.tokens.size()) - 1;
  data.end_ids = {*data.eos};
  return text::make_tokenizer(std::move(data));
}

// Tokens of bytes that JSON and these grammars are made of, so that many reach over the ends of rules.
inline std::vector<std::string> random_texts(size_t count, uint32_t seed) {
  static constexpr std::string_view kBytes =
      "\"\"\"{}[]:,, \n\\abcdenrstu0123456789.-+eE<>/\xC3\xA9\xE2\x82\xAC\xF0\x9F\x99\x82";
  std::mt19937 random(seed);
  std::vector<std::string> texts;
  for (size_t i = 0; i < count; ++i) {
    std::string own;
    for (size_t n = 2 + random() % 6; own.size() < n;) own += kBytes[random() % kBytes.size()];
    texts.push_back(own);
  }
  return texts;
}

// Of letters, each of so many bytes.
inline std::vector<std::string> random_words(size_t count, size_t bytes, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::string> words(count);
  for (std::string& word : words) {
    while (word.size() < bytes) word += char('a' + random() % 26);
  }
  return words;
}

// EBNF: behind `before`, five hundred rules that all go on with the same letters.
inline std::string many_ways(const std::string& before) {
  std::string source = "root ::= " + before + " (r0", rules;
  for (int i = 0; i < 500; ++i) {
    const std::string own = "r" + std::to_string(i);
    if (i > 0) source += " | " + own;
    rules += own + " ::= [a-z ] " + own + " | \"K\"\n";
  }
  return source + ")\n" + rules;
}

// A tokenizer with what is computed for it.
struct TokenWorld {
  explicit TokenWorld(std::unique_ptr<text::Tokenizer> t) : tokenizer(std::move(t)), vocabulary(*tokenizer) {}
  explicit TokenWorld(const std::vector<std::string>& texts) : TokenWorld(tokenizer_of(texts)) {}

  std::shared_ptr<const TokenGrammar> grammar(Automaton automaton) {
    return std::make_shared<const TokenGrammar>(Compiled{std::move(automaton), {}}, vocabulary, shared);
  }

  std::unique_ptr<text::Tokenizer> tokenizer;
  Vocabulary vocabulary;
  SharedMasks shared;
};

}  // namespace troika::grammar::samples
