#include "store/gguf_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "store/name.h"

namespace troika::store {
namespace {

// From what serves best by default to what serves worst: Q4_K_M, its neighbours, larger ones, then smaller ones.
constexpr std::array kOrder = {"Q4_K_M", "Q4_K_L", "UD-Q4_K_XL", "Q4_K_XL", "Q4_K_S", "IQ4_NL", "IQ4_XS", "Q4_0",
                               "Q4_1",   "Q4_K",   "Q5_K_M",     "Q5_K_L",  "Q5_K_S", "Q5_0",   "Q5_1",   "Q6_K",
                               "Q6_K_L", "Q8_0",   "Q3_K_L",     "Q3_K_M",  "IQ3_M",  "Q3_K_S", "MXFP4",  "BF16",
                               "F16",    "F32"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'a' && c <= 'z') c = char(c - 'a' + 'A');
  }
  return result;
}

std::string_view last_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }
std::string_view folder_of(std::string_view path) {
  size_t slash = path.rfind('/');
  return slash == path.npos ? std::string_view{} : path.substr(0, slash);
}

bool is_gguf(std::string_view file) { return lower(file).ends_with(".gguf"); }
bool is_projector(std::string_view file) {
  return is_gguf(file) && lower(last_part(file)).find("mmproj") != std::string::npos;
}

// Files that belong to a model without being one.
bool is_companion(std::string_view file) {
  std::string name = lower(last_part(file));
  return is_projector(file) || name.starts_with("mtp-") || name.find("imatrix") != name.npos;
}

// "…-00002-of-00003.gguf"
struct Part {
  std::string stem;  // what stands before it, with the folder
  int number = 1, count = 1;
};

Part part_of(std::string_view file) {
  std::string_view stem = file.substr(0, file.size() - std::string_view(".gguf").size());
  constexpr size_t kLength = std::string_view("-00001-of-00003").size();
  Part whole{std::string(stem)};
  if (stem.size() <= kLength) return whole;
  std::string_view end = stem.substr(stem.size() - kLength);
  std::string_view number = end.substr(1, 5), count = end.substr(10);
  bool split = end[0] == '-' && end.substr(6, 4) == "-of-" && std::ranges::all_of(number, is_digit) &&
               std::ranges::all_of(count, is_digit);
  if (!split) return whole;
  return {std::string(stem.substr(0, stem.size() - kLength)), std::stoi(std::string(number)),
          std::stoi(std::string(count))};
}

// The last word of a text that dashes or dots divide, cut off it.
std::string_view take_last_word(std::string_view& text) {
  size_t at = text.find_last_of("-.");
  std::string_view word = at == text.npos ? text : text.substr(at + 1);
  text = at == text.npos ? std::string_view{} : text.substr(0, at);
  return word;
}

size_t rank_of(const std::string& quantisation) {
  return size_t(std::ranges::find(kOrder, quantisation) - kOrder.begin());
}

}  // namespace

bool is_quantisation(std::string_view text) {
  std::string q = upper(text);
  if (q.starts_with("UD-")) q.erase(0, 3);
  if (q == "F16" || q == "BF16" || q == "F32" || q == "FP16" || q == "FP32" || q == "MXFP4") return true;
  size_t at = q.starts_with("IQ") || q.starts_with("TQ") ? 2 : q.starts_with("Q") ? 1 : 0;
  if (at == 0 || q.size() < at + 2 || !is_digit(q[at])) return false;
  return std::ranges::all_of(q.substr(at), [](char c) { return is_digit(c) || (c >= 'A' && c <= 'Z') || c == '_'; }) &&
         q.find('_', at) == at + 1;
}

std::string quantisation_of(std::string_view file) {
  if (!is_gguf(file)) return "";
  std::string stem = part_of(file).stem;
  std::string_view rest = last_part(stem);
  while (!rest.empty()) {
    std::string_view word = take_last_word(rest);
    if (!is_quantisation(word)) continue;
    std::string_view before = rest;
    return (same_name(take_last_word(before), "ud") ? "UD-" : "") + upper(word);
  }
  return "";
}

std::vector<GgufModel> models_among(std::span<const std::string> files) {
  std::map<std::pair<std::string, int>, std::map<int, std::string>> groups;  // by stem and count: parts by number
  for (const std::string& file : files) {
    if (!is_gguf(file) || is_companion(file)) continue;
    Part part = part_of(file);
    if (part.number >= 1 && part.number <= part.count) groups[{part.stem, part.count}][part.number] = file;
  }
  std::vector<GgufModel> models;
  for (const auto& [group, parts] : groups) {
    if (int(parts.size()) != group.second) continue;
    GgufModel model{quantisation_of(parts.begin()->second)};
    for (const auto& [number, file] : parts) model.parts.push_back(file);
    models.push_back(std::move(model));
  }
  return models;
}

const GgufModel* choose(std::span<const GgufModel> models, std::string_view quantisation) {
  std::string wanted = upper(quantisation);
  if (!wanted.empty()) {
    for (const std::string& spelling : {wanted, "UD-" + wanted}) {
      for (const GgufModel& model : models) {
        if (model.quantisation == spelling) return &model;
      }
    }
    return nullptr;
  }
  auto better = [](const GgufModel& a, const GgufModel& b) { return rank_of(a.quantisation) < rank_of(b.quantisation); };
  auto best = std::min_element(models.begin(), models.end(), better);
  return best == models.end() ? nullptr : &*best;
}

std::string choose_projector(std::span<const std::string> files, const GgufModel& model, const std::string& pattern) {
  constexpr std::array kFormats = {"F16", "BF16", "Q8_0", "F32", ""};
  std::string best;
  std::pair<bool, size_t> best_rank;  // whether it misses the pattern, place of its format
  for (const std::string& file : files) {
    if (!is_projector(file) || folder_of(file) != folder_of(model.parts.front())) continue;
    std::string name(last_part(file));
    bool misses = !pattern.empty() && ::fnmatch(pattern.c_str(), name.c_str(), FNM_CASEFOLD) != 0;
    std::pair rank{misses, size_t(std::ranges::find(kFormats, quantisation_of(file)) - kFormats.begin())};
    if (best.empty() || rank < best_rank) {
      best = file;
      best_rank = rank;
    }
  }
  return best;
}

std::string list_of(std::span<const GgufModel> models) {
  std::set<std::string> names;
  for (const GgufModel& model : models) names.insert(model.quantisation.empty() ? model.parts.front() : model.quantisation);
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace troika::store
