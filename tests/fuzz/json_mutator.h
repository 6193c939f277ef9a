// Changes to JSON that leave it JSON: bytes changed at random seldom do.
#pragma once

#include <cstring>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t room);

namespace troika::fuzz {

using Json = nlohmann::ordered_json;

class JsonMutator {
 public:
  explicit JsonMutator(unsigned seed) : random_(seed) {}

  void change(Json& root) {
    std::vector<Json*> all;
    list(root, all);
    Json& node = *all[below(all.size())];
    switch (below(7)) {
      case 0:
        node = kValues[below(kValues.size())];
        break;
      case 1:
        node = Json(*all[below(all.size())]);
        break;
      case 2:
        node = Json::array({Json(node)});
        break;
      case 3:
        change_text(node);
        break;
      case 4:
        remove_one(node);
        break;
      default:
        add_one(node, *all[below(all.size())], *all[below(all.size())]);
    }
  }

  size_t below(size_t bound) { return random_() % bound; }

 private:
  static void list(Json& node, std::vector<Json*>& all) {
    all.push_back(&node);
    if (node.is_structured())
      for (Json& child : node) list(child, all);
  }

  void change_text(Json& node) {
    if (!node.is_string()) return void(node = "text");
    std::string text = node;
    const size_t size = text.size();
    text.resize(size + 32);
    text.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(text.data()), size, text.size()));
    node = text;
  }

  void remove_one(Json& node) {
    if (!node.is_structured() || node.empty()) return;
    auto at = node.begin();
    std::advance(at, below(node.size()));
    node.erase(at);
  }

  // Another place's value, in an object under the name of one of another object's members.
  void add_one(Json& node, const Json& value, const Json& names) {
    if (node.is_array()) node.insert(node.begin() + ptrdiff_t(below(node.size() + 1)), Json(value));
    if (!node.is_object() || !names.is_object() || names.empty()) return;
    auto name = names.begin();
    std::advance(name, below(names.size()));
    const std::string key = name.key();
    node[key] = Json(value);
  }

  inline static const std::vector<Json> kValues = {
      nullptr, true, false, 0, 1, -1, 5.0, 0.5, 1e308, -1e-308, INT32_MAX, INT64_MIN, INT64_MAX, UINT64_MAX, "", "a", "\u00e9\0",
      "\xF0\x9F\x99\x82", Json::array(), Json::object(), "none", "auto", "text", "user", "assistant", std::string(300, 'x')};

  std::mt19937 random_;
};

// For LLVMFuzzerCustomMutator: `data` is JSON. What is none, and a fifth of the rest, is changed byte by byte.
inline size_t mutate_json(uint8_t* data, size_t size, size_t room, unsigned seed) {
  JsonMutator mutator(seed);
  Json json = Json::parse(data, data + size, nullptr, false);
  if (json.is_discarded() || mutator.below(5) == 0) return LLVMFuzzerMutate(data, size, room);
  for (size_t changes = 1 + mutator.below(3); changes > 0; --changes) mutator.change(json);
  const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > room) return LLVMFuzzerMutate(data, size, room);
  std::memcpy(data, text.data(), text.size());
  return text.size();
}

}  // namespace troika::fuzz
