#include "apps/alias_option.h"

#include <algorithm>

#include "apps/model_options.h"
#include "base/error.h"

namespace troika::apps {
namespace {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const size_t end = std::min(text.find(separator), text.size());
    parts.emplace_back(text.substr(0, end));
    if (end == text.size()) return parts;
    text.remove_prefix(end + 1);
  }
}

// The model's id where its name is another spelling of it.
std::string id_of(const std::string& model, const std::vector<server::OfferedModel>& offers) {
  const bool known = std::ranges::any_of(offers, [&](const server::OfferedModel& offer) {
    return offer.id == model || std::ranges::find(offer.aliases, model) != offer.aliases.end();
  });
  return known ? model : id_of_model(model);
}

}  // namespace

std::vector<server::ModelAlias> read_aliases(const std::vector<std::string>& texts,
                                             const std::vector<server::OfferedModel>& offers) {
  std::vector<server::ModelAlias> aliases;
  for (const std::string& several : texts) {
    for (const std::string& text : split(several, ';')) {
      const size_t equals = text.find('=');
      const std::string name = text.substr(0, equals);
      const auto models = equals == std::string::npos ? std::vector<std::string>() : split(text.substr(equals + 1), ',');
      if (name.empty() || models.empty() || std::ranges::find(models, "") != models.end())
        fail("--alias {}: write NAME=MODEL or NAME=MODEL,MODEL", text);
      aliases.push_back({.name = name, .models = models});
    }
  }
  const auto is_alias = [&](const std::string& name) {
    return std::ranges::find(aliases, name, &server::ModelAlias::name) != aliases.end();
  };
  for (server::ModelAlias& alias : aliases) {
    for (std::string& model : alias.models) {
      if (is_alias(model)) continue;  // the server refuses it, and knows why
      try {
        model = id_of(model, offers);
      } catch (const Error& error) {
        fail("the alias '{}' stands for nothing: {}", alias.name, error.what());
      }
    }
  }
  return aliases;
}

}  // namespace troika::apps
