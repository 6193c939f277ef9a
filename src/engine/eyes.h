// What callers need to show pictures to a loaded model: prompts in which each picture has its place. Immutable; any
// thread may call it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "engine/image_prompt.h"
#include "engine/text_model.h"
#include "models/spec.h"
#include "models/tower.h"
#include "vision/processor.h"

namespace troika::engine {

struct EyesOptions {
  ImageTokens tokens;
  int64_t most_pixels = 0;     // of a picture, where sizes vary; 0: the model's own limit
  bool pan_and_scan = false;   // Gemma 3: parts of pictures that are far from square follow them
  vision::HashKey key = vision::random_key();  // secret: nobody makes a picture that passes for another's
};

class Eyes {
 public:
  // `spec` and `text` must outlive this.
  Eyes(const models::ModelSpec& spec, const models::TowerSpec& tower, const TextModel& text, EyesOptions options);

  // Pictures that the ids speak of.
  size_t placeholders(std::span<const int32_t> ids) const { return count_placeholders(ids, options_.tokens); }

  // Token ids with one placeholder per picture, in their order. Throws Error when they are not as many, or when a
  // picture cannot be shown.
  ImagePrompt place(std::span<const int32_t> ids, std::span<const SharedPicture> pictures) const;

  // The prompt of a chat, for a template's `variables` (messages, tools, …; see TextModel::render). Where a message
  // shows pictures its content is a list of {"type": "image"} and {"type": "text", "text": …}; `pictures` belong to
  // them in order. Throws Error when they are not as many, and the template's own refusals.
  ImagePrompt chat(nlohmann::ordered_json variables, std::span<const SharedPicture> pictures) const;

  // Resized, normalised and cut. Throws Error as `place` does.
  vision::Patches prepare(const vision::Picture& picture) const;

 private:
  std::string render(const nlohmann::ordered_json& variables, size_t pictures) const;
  ImageGrid grid_of(const vision::Picture& picture) const;

  const models::ModelSpec& spec_;
  const TextModel& text_;
  vision::ProcessorSpec processor_;
  EyesOptions options_;
};

}  // namespace troika::engine
