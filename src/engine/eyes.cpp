#include "engine/eyes.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "engine/image_words.h"

namespace troika::engine {
namespace {

using Json = nlohmann::ordered_json;

vision::ProcessorSpec limited(vision::ProcessorSpec spec, int64_t most_pixels) {
  if (most_pixels <= 0) return spec;
  spec.max_pixels = std::min(spec.max_pixels, most_pixels);
  spec.min_pixels = std::min(spec.min_pixels, spec.max_pixels);
  vision::check_spec(spec);
  return spec;
}

size_t image_parts(const Json& messages) {
  size_t count = 0;
  for (const Json& message : messages) {
    auto content = message.find("content");
    if (content == message.end() || !content->is_array()) continue;
    for (const Json& part : *content) count += part.value("type", "") == "image";
  }
  return count;
}

// Lists of parts as one text, with the family's own placeholder for pictures: for templates that know no lists.
Json with_plain_contents(Json variables, const std::string& placeholder) {
  for (Json& message : variables["messages"]) {
    if (!message.contains("content") || !message["content"].is_array()) continue;
    std::string text;
    for (const Json& part : message["content"]) {
      text += part.value("type", "") == "image" ? placeholder : part.value("text", "");
    }
    message["content"] = text;
  }
  return variables;
}

}  // namespace

Eyes::Eyes(const models::ModelSpec& spec, const models::TowerSpec& tower, const TextModel& text, EyesOptions options)
    : spec_(spec),
      text_(text),
      processor_(limited(tower.processor, options.most_pixels)),
      options_(options) {}

ImageGrid Eyes::grid_of(const vision::Picture& picture) const {
  vision::ImageSize size = vision::target_size({picture.height, picture.width}, processor_);
  int cell = processor_.patch * processor_.merge;
  return {.rows = size.height / cell, .columns = size.width / cell};
}

vision::Patches Eyes::prepare(const vision::Picture& picture) const { return vision::prepare(picture, processor_); }

ImagePrompt Eyes::place(std::span<const int32_t> ids, std::span<const SharedPicture> pictures) const {
  std::vector<ImageGrid> grids;
  for (const SharedPicture& picture : pictures) grids.push_back(grid_of(*picture));
  return place_images(ids, pictures, grids, options_.tokens, options_.key);
}

// The template's own way or, where it drops the pictures or refuses lists, with their placeholders as text.
std::string Eyes::render(const Json& variables, size_t pictures) const {
  std::string refusal;
  try {
    std::string text = text_.render(variables);
    if (count_placeholders(spec_, text) == pictures) return text;
  } catch (const Error& error) {
    refusal = error.what();
  }
  std::string text = text_.render(with_plain_contents(variables, image_placeholder(spec_)));
  if (count_placeholders(spec_, text) != pictures && !refusal.empty()) throw Error(refusal);
  return text;
}

ImagePrompt Eyes::chat(Json variables, std::span<const SharedPicture> pictures) const {
  if (!text_.tokenizer) fail("the model has no tokenizer: it cannot chat");
  size_t parts = image_parts(variables.value("messages", Json::array()));
  if (parts != pictures.size()) fail("the messages have {} image parts for {} pictures", parts, pictures.size());
  std::vector<SharedPicture> shown;
  std::vector<int> crops;
  for (const SharedPicture& picture : pictures) {
    shown.push_back(picture);
    std::vector<vision::Picture> cut;
    if (options_.pan_and_scan && spec_.image_runs) cut = vision::pan_and_scan(*picture, processor_);
    crops.push_back(static_cast<int>(cut.size()));
    for (vision::Picture& crop : cut) shown.push_back(std::make_shared<vision::Picture>(std::move(crop)));
  }
  std::string text = render(variables, pictures.size());
  return place(text_.tokenizer->encode(dress_images(spec_, text, crops), {.parse_special = true}), shown);
}

}  // namespace troika::engine
