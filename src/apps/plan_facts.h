// The facts of a model that troika plan shows, for people and for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "apps/plan_subject.h"

namespace troika::apps {

nlohmann::ordered_json facts_json(const Subject& s, const ModelOptions& o);
void print_facts(const Subject& s, const ModelOptions& o);
void print_fits(const Subject& s, const ModelOptions& o);  // whether it fits this machine's memory

// "label       text"
void print_line(std::string_view label, std::string_view text);
std::string size_text(size_t bytes);  // "4.68 GB"

}  // namespace troika::apps
