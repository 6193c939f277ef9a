// How the text of each family speaks of pictures: the tokens, and what surrounds them in a prompt.
#pragma once

#include <string>
#include <string_view>

#include "engine/image_prompt.h"
#include "files/model_file.h"
#include "models/spec.h"
#include "text/tokenizer.h"

namespace troika::engine {

// By config.json's ids or, where it has none, the tokenizer's tokens; `tokenizer` may be null.
ImageTokens read_image_tokens(const files::ModelFile& file, const models::ModelSpec& spec,
                              const text::Tokenizer* tokenizer);

// What stands for one picture in the text of a prompt, as the family's chat template writes it.
std::string image_placeholder(const models::ModelSpec& spec);

// Pictures that a rendered text speaks of.
size_t count_placeholders(const models::ModelSpec& spec, std::string_view text);

// The rendered text of a chat with its pictures' surroundings as the family's processor puts them, still with one
// placeholder per picture for place_images. Gemma 3 has newlines around each, which may join their neighbours to one
// token: so they must be there before the text is tokenised. `crops` (pan and scan, Gemma 3 only): how many parts of
// each picture follow it; empty: none. Throws Error when the text does not have a placeholder for each of them.
std::string dress_images(const models::ModelSpec& spec, std::string_view text, std::span<const int> crops = {});

}  // namespace troika::engine
