// What the tokenizer tests share: the folder of real tokenizers beside the project, and toy ones made on the
// spot.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "text/byte_alphabet.h"
#include "text/tokenizer.h"

namespace troika::text::samples {

using Json = nlohmann::json;

inline std::filesystem::path data_folder() {
  const char* shared = std::getenv("TROIKA_SHARED");
  return (shared != nullptr ? std::filesystem::path(shared)
                            : std::filesystem::path(TROIKA_SOURCE_DIR) / "../shared") /
         "data";
}

inline std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

inline const std::string kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+)"
    R"(|\s+(?!\S)|\s+)";

// A vocabulary of the 256 bytes and a few merges, with two added tokens behind.
inline Json toy_vocabulary() {
  Json vocabulary = Json::object();
  for (int byte = 0; byte < 256; ++byte)
    vocabulary[to_byte_alphabet(std::string(1, static_cast<char>(byte)))] = byte;
  int id = 256;
  for (const char* token : {"he", "ll", "hell", "hello", "Ġw", "aa", "aaaa"}) vocabulary[token] = id++;
  return vocabulary;
}

inline Json toy_tokenizer_json() {
  const auto added = [](int id, const char* text, bool special) {
    return Json{{"id", id},        {"content", text},     {"single_word", false}, {"lstrip", false},
                {"rstrip", false}, {"normalized", false}, {"special", special}};
  };
  Json file;
  file["version"] = "1.0";
  file["added_tokens"] = {added(263, "<|im_end|>", true), added(264, "<tool>", false)};
  file["normalizer"] = {{"type", "NFC"}};
  file["pre_tokenizer"] = {{"type", "Sequence"},
                           {"pretokenizers",
                            {{{"type", "Split"},
                              {"pattern", {{"Regex", kQwen2Pattern}}},
                              {"behavior", "Isolated"},
                              {"invert", false}},
                             {{"type", "ByteLevel"},
                              {"add_prefix_space", false},
                              {"trim_offsets", false},
                              {"use_regex", false}}}}};
  file["decoder"] = {{"type", "ByteLevel"}};
  file["model"] = {{"type", "BPE"}, {"dropout", nullptr}, {"unk_token", nullptr}, {"byte_fallback", false}};
  file["model"]["vocab"] = toy_vocabulary();
  file["model"]["merges"] = {"h e", "l l", "he ll", "hell o", "Ġ w", "a a", "aa aa"};
  return file;
}

inline std::unique_ptr<Tokenizer> toy_tokenizer() {
  return make_tokenizer(read_tokenizer_json(toy_tokenizer_json().dump(), R"({"eos_token": "<|im_end|>"})"));
}

}  // namespace troika::text::samples
