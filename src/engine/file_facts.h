// What a model's files say of it without being loaded: their tables are read, and no weight.
#pragma once

#include "engine/engine.h"

namespace troika::engine {

struct FileFacts {
  ModelInfo info;  // but for what only a loaded model has: a device, and the context that there is room for
  text::TokenizerData tokenizer;
  bool sees = false;
};

// Throws Error when these are no files of a model that could be loaded.
FileFacts read_facts(const std::filesystem::path& path, const EngineOptions& options);

}  // namespace troika::engine
