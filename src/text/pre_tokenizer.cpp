// The patterns, and PCRE2 to run them: UTF mode, Unicode properties, compiled to machine code where PCRE2
// can. Only patterns of this table are ever run: a pattern from a file could take exponential time.
#include "text/pre_tokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>
#include <string>

#include "base/error.h"

namespace troika::text {
namespace {

constexpr std::string_view kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+)"
    R"(|\s+(?!\S)|\s+)";

constexpr std::string_view kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+)"
    R"(|\s+(?!\S)|\s+)";

constexpr std::array kRows = {
    PreTokenizerRow{.name = "qwen2", .pattern = kQwen2, .nfc = true},
    PreTokenizerRow{.name = "deepseek-r1-qwen", .pattern = kQwen2, .nfc = true},
    PreTokenizerRow{.name = "llama-bpe", .pattern = kLlama3, .ignore_merges = true, .add_bos = true},
    PreTokenizerRow{.name = "llama3", .pattern = kLlama3, .ignore_merges = true, .add_bos = true},
    PreTokenizerRow{.name = "llama-v3", .pattern = kLlama3, .ignore_merges = true, .add_bos = true},
    PreTokenizerRow{.name = "gpt-2", .pattern = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"},
};

// PCRE2's \s holds U+180E, which is no white space for Unicode, so we spell the class out.
std::string with_unicode_spaces(std::string_view pattern) {
  constexpr std::string_view spaces =
      R"(\x{09}-\x{0D}\x{20}\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";
  std::string out;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c != '\\') {
      if (c == '[') in_class = true;
      if (c == ']') in_class = false;
      out += c;
      continue;
    }
    const char escaped = pattern[++i];
    if (escaped == 's') {
      out += in_class ? std::string(spaces) : fmt::format("[{}]", spaces);
    } else if (escaped == 'S') {
      check(!in_class, "no \\S within a class");
      out += fmt::format("[^{}]", spaces);
    } else {
      out += c, out += escaped;
    }
  }
  return out;
}

std::string error_text(int code) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

}  // namespace

const PreTokenizerRow& pre_tokenizer_row(std::string_view name) {
  for (const PreTokenizerRow& row : kRows) {
    if (row.name == name) return row;
  }
  fail("tokenizer: the pre-tokeniser '{}' is not supported", name);
}

std::optional<std::string_view> pre_tokenizer_of(std::string_view pattern) {
  for (const PreTokenizerRow& row : kRows) {
    if (row.pattern == pattern) return row.name;
  }
  return std::nullopt;
}

struct PreTokenizer::Pattern {
  explicit Pattern(const std::string& pattern) {
    int error = 0;
    PCRE2_SIZE place = 0;
    code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), PCRE2_UTF | PCRE2_UCP,
                         &error, &place, nullptr);
    if (code == nullptr) fail("tokenizer: the pattern fails at {}: {}", place, error_text(error));
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // where this fails, pcre2_match interprets
  }
  ~Pattern() { pcre2_code_free(code); }
  pcre2_code* code = nullptr;
};

struct PreTokenizer::Pieces::Match {
  explicit Match(const pcre2_code* code) : data(pcre2_match_data_create_from_pattern(code, nullptr)) {
    check(data != nullptr, "match data");
  }
  ~Match() { pcre2_match_data_free(data); }
  pcre2_match_data* data;
};

PreTokenizer::PreTokenizer(std::string_view name)
    : pattern_(std::make_unique<Pattern>(with_unicode_spaces(pre_tokenizer_row(name).pattern))) {}
PreTokenizer::~PreTokenizer() = default;

PreTokenizer::Pieces::Pieces(const PreTokenizer& owner, std::string_view text)
    : owner_(owner), text_(text), match_(std::make_unique<Match>(owner.pattern_->code)) {}
PreTokenizer::Pieces::~Pieces() = default;

std::string_view PreTokenizer::Pieces::next() {
  if (at_ == text_.size()) return {};
  const auto match = [&](uint32_t options) {
    return pcre2_match(owner_.pattern_->code, reinterpret_cast<PCRE2_SPTR>(text_.data()), text_.size(), at_,
                       PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY | options, match_->data, nullptr);
  };
  int result = match(0);
  if (result == PCRE2_ERROR_JIT_STACKLIMIT) result = match(PCRE2_NO_JIT);
  if (result < 0 && result != PCRE2_ERROR_NOMATCH)
    fail("tokenizer: splitting the text: {}", error_text(result));

  // Text before a match is a piece as well, but our patterns cover everything.
  const size_t begin = at_;
  const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(match_->data);
  if (result == PCRE2_ERROR_NOMATCH) {
    at_ = text_.size();
  } else {
    at_ = bounds[0] > begin ? bounds[0] : bounds[1];
  }
  check(at_ > begin && at_ <= text_.size(), "a piece has bytes");
  return text_.substr(begin, at_ - begin);
}

}  // namespace troika::text
