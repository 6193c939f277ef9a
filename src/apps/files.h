// Reading and writing the plumbing verbs' files: JSON in, JSON or NumPy arrays out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

namespace troika::apps {

std::string read_stdin();

// Throws Error naming `what` when the text is not JSON.
nlohmann::ordered_json parse_json(std::string_view text, std::string_view what);

// A JSON array of token ids, each a whole number that fits; throws Error naming `what` for anything else.
std::vector<int32_t> to_ids(const nlohmann::ordered_json& list, std::string_view what);

// {"prompts": [[ids], …]}; throws Error for anything else.
std::vector<std::vector<int32_t>> read_prompts(const std::filesystem::path& path);

// float32 [rows, columns] as .npy, format version 1.0.
void write_npy(const std::filesystem::path& path, std::span<const float> values, size_t rows, size_t columns);

}  // namespace troika::apps
