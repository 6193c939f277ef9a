// The model store as the verbs use it: where the zoo's list lies, and a download that a person watches.
#pragma once

#include <filesystem>
#include <string>

#include "store/store.h"

namespace troika::apps {

// Beside an installed binary (PREFIX/bin/troika, PREFIX/share/troika/models), else in the source tree.
std::filesystem::path shipped_models();

store::Store open_store();  // placed as the environment says

// Pulls and shows how it goes: on standard error, or as JSON lines on standard output. Ctrl-C ends it with an Error that
// says what is kept.
enum class PullView { people, json };
store::Model pull_watched(const store::Store& store, const std::string& name, PullView view);

// Before a model is opened: brings it when it is not here and the store knows where it is.
void pull_if_missing(const std::string& name);

}  // namespace troika::apps
