// Pictures named on the command line, and the prompts of the plumbing verbs that show them.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace troika::apps {

// Throws Error naming the file: none there, no picture, or too large.
engine::SharedPicture read_picture(const std::filesystem::path& path);
std::vector<engine::SharedPicture> read_pictures(std::span<const std::string> paths);

// Prompts of token ids with one placeholder per picture. The pictures belong to the placeholders of all prompts in
// order or, where each prompt has none or as many as there are pictures, to each prompt anew; else Error. Without
// pictures the ids stay as they are.
std::vector<engine::ImagePrompt> show_pictures(const engine::Engine& engine,
                                               std::vector<std::vector<int32_t>> prompts,
                                               std::span<const engine::SharedPicture> pictures);

}  // namespace troika::apps
