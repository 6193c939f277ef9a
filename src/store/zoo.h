// The models that Troika is made for (models/zoo.json): short names for repositories of the hub, with what one wants to
// know before downloading.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace troika::store {

struct ZooModel {
  std::string name;                  // "qwen2.5:7b"
  std::vector<std::string> aliases;  // "qwen2.5", "qwen2.5:7b-instruct"
  std::string repository;            // of GGUF files
  bool community = false;            // converted by others than the model's makers
  std::string quantisation;          // what is pulled by default
  std::string mmproj;                // "mmproj-*": its image projector's name; "": it reads text only
  uint64_t parameters = 0;           // of the language model
  uint64_t parameters_read = 0;      // for each token: without tables and the experts not used
  uint64_t approximate_bytes = 0;    // of the default quantisation: parameters times bits, not the files' sizes
  std::string licence;
  bool gated = false;                // wants its licence accepted on the hub, and a token
};

// A name of the zoo with what follows it.
struct ZooMatch {
  const ZooModel* model = nullptr;  // null: no such name
  std::string quantisation;         // "Q8_0" of "qwen2.5:7b-q8_0"; "" when none was typed

  std::string name() const;  // "qwen2.5:7b", "qwen2.5:7b-q8_0"
};

class Zoo {
 public:
  // None when there is no such file. Throws Error when it is not exactly as it should be.
  explicit Zoo(const std::filesystem::path& file);

  const std::vector<ZooModel>& models() const { return models_; }
  ZooMatch find(std::string_view plain_name) const;  // a colon and a dash are the same here

 private:
  std::vector<ZooModel> models_;
};

}  // namespace troika::store
