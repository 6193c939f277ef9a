// What names of GGUF files say: quantisation, part of a split file, image projector. From a list of names (a
// repository's on the hub, or a folder's here) it is told which models they are and which one is meant.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troika::store {

// A model in a list of files.
struct GgufModel {
  std::string quantisation;        // "Q4_K_M", in upper case; "" when the name says none
  std::vector<std::string> parts;  // the file, or all parts of a split one in order
};

inline constexpr std::string_view kUsualQuantisation = "Q4_K_M";

// "Q8_0" of "qwen2.5-7b-instruct-q8_0-00001-of-00003.gguf", "UD-Q4_K_XL" where that precedes it; "" when none is there.
std::string quantisation_of(std::string_view file);
bool is_quantisation(std::string_view text);  // "q4_k_m", "IQ4_XS", "bf16"

// The models whose files are all there, by name; no projectors and other companions.
std::vector<GgufModel> models_among(std::span<const std::string> files);

// The one of this quantisation; without one ("") Q4_K_M, else what is nearest to it: first the next sizes up. Null when
// there is none.
const GgufModel* choose(std::span<const GgufModel> models, std::string_view quantisation);

// The image projector (mmproj) in the model's folder: first those that match the pattern ("mmproj-*", "" for all), then
// the most exact format that is not larger than f16. "" when there is none.
std::string choose_projector(std::span<const std::string> files, const GgufModel& model, const std::string& pattern);

std::string list_of(std::span<const GgufModel> models);  // "Q4_K_M, Q8_0"

}  // namespace troika::store
