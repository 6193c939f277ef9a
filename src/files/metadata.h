// What a model file says about itself: typed values by key. GGUF keys stand as they are
// ("qwen2.block_count"); config.json of a safetensors folder is flattened with dots ("rope_scaling.factor")
// and generation_config.json stands under "generation.".
//
// The idea: a reader asks for the type it wants. An absent key is an ordinary outcome (nothing, an empty
// span); a present key of another type is a wrong file and throws an Error that names the key. Immutable once
// the file is open, so any thread may read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace troika::files {

// One value. A scalar is kept as a list of one, so that a hyper-parameter that some files give once and
// others once a layer can be read as a list from both.
struct MetadataValue {
  enum class Type {
    boolean,
    number,
    text,
    empty,
    other
  };  // empty: a list of nothing; other: unreadable nesting
  Type type = Type::other;
  bool array = false;
  std::vector<bool> booleans;
  std::vector<double> numbers;          // any number, also when it is whole
  std::vector<int64_t> integers;        // the same, when every one of them is whole and fits; else empty
  std::vector<std::string_view> texts;  // views into the file (or into Metadata); valid while it is open
  std::span<const std::byte> raw;       // GGUF only: the type word and the value as they lie in the file

  size_t count() const;
};

// "qwen2", "28", "[1, 2, 3]", "[151936 texts: "!", "\"", …]": for people, at most about `limit` characters.
std::string to_text(const MetadataValue& value, size_t limit = 100);

class Metadata {
 public:
  struct Entry {
    std::string key;
    MetadataValue value;
  };

  Metadata() = default;
  Metadata(Metadata&&) = default;
  Metadata& operator=(Metadata&&) = default;

  bool has(std::string_view key) const { return find(key) != nullptr; }
  bool is_array(std::string_view key) const;
  bool is_null(std::string_view key) const { return nulls_.contains(std::string(key)); }  // said to be nothing

  // Scalars. Every integer type that fits, and 5.0, is an integer; every integer is a number.
  std::optional<int64_t> integer(std::string_view key) const;
  std::optional<double> number(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::string_view> text(std::string_view key) const;

  // Lists, empty when the key is absent; a scalar reads as a list of one. Valid as long as the ModelFile.
  std::span<const int64_t> integers(std::string_view key) const;
  std::span<const double> numbers(std::string_view key) const;
  std::span<const std::string_view> strings(std::string_view key) const;
  std::vector<bool> booleans(std::string_view key) const;

  std::span<const Entry> entries() const { return entries_; }  // in the order of the file

  // For the readers: false when the key is there already. `keep` gives a text that lives as long as this.
  bool add(std::string key, MetadataValue value);
  void add_null(std::string key) { nulls_.insert(std::move(key)); }
  std::string_view keep(std::string text);

 private:
  const MetadataValue* find(std::string_view key) const;
  const MetadataValue* scalar(std::string_view key) const;

  std::vector<Entry> entries_;
  std::unordered_map<std::string, size_t> index_;
  std::unordered_set<std::string> nulls_;
  std::deque<std::string> kept_;
};

}  // namespace troika::files
