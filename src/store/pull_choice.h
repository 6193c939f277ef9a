// Which files of a repository make the model that was asked for.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "store/name.h"

namespace troika::store {

struct PullChoice {
  std::vector<std::string> files;  // that of the model (all parts) first, its image projector last; of a folder: all
  bool folder = false;             // safetensors with configuration and tokenizer
  std::string quantisation;
  std::string note;                // why it is not quite what was asked for, "" when it is
};

// `files`: of the repository. `usual`: the quantisation to take when the name has none; `projector`: see choose_projector.
// Throws Error that says what there is instead.
PullChoice choose_files(std::span<const std::string> files, const Name& name, const std::string& usual,
                        const std::string& projector);

// The files of a safetensors folder, configuration first; none when the list has no whole such folder.
std::vector<std::string> safetensors_folder(std::span<const std::string> files);

}  // namespace troika::store
