// The door between JSON and the interpreter: variables become values, the tree is rendered under its limits.
#include "text/chat_template.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "text/jinja_interpreter.h"
#include "text/jinja_parser.h"

namespace troika::text {

namespace {

using Json = nlohmann::ordered_json;

// Room for the containers of the request; the template's own work is limited separately.
jinja::Meter unlimited() { return jinja::Meter({.steps = SIZE_MAX, .memory_bytes = SIZE_MAX / 2}); }

jinja::Dict to_dict(jinja::Meter& meter, const Json& json, int depth);

jinja::Value to_value(jinja::Meter& meter, const Json& json, int depth) {
  if (depth > jinja::kMaxValueDepth / 2) {
    fail("the chat's JSON is nested more than {} deep", jinja::kMaxValueDepth / 2);
  }
  switch (json.type()) {
    case Json::value_t::null:
      return jinja::Value::none();
    case Json::value_t::boolean:
      return json.get<bool>();
    case Json::value_t::number_integer:
      return json.get<int64_t>();
    case Json::value_t::number_unsigned: {
      auto value = json.get<uint64_t>();
      return value <= uint64_t{INT64_MAX} ? jinja::Value(int64_t(value)) : jinja::Value::big(value);
    }
    case Json::value_t::number_float:
      return json.get<double>();
    case Json::value_t::string:
      return json.get_ref<const std::string&>();
    case Json::value_t::array: {
      std::vector<jinja::Value> items;
      items.reserve(json.size());
      for (const Json& item : json) items.push_back(to_value(meter, item, depth + 1));
      return make_list(meter, std::move(items));
    }
    case Json::value_t::object:
      return make_dict(meter, to_dict(meter, json, depth));
    case Json::value_t::binary:
    case Json::value_t::discarded:
      break;
  }
  fail("the chat's JSON holds a value that is no JSON");
}

jinja::Dict to_dict(jinja::Meter& meter, const Json& json, int depth) {
  jinja::Dict dict;
  for (const auto& [key, value] : json.items()) dict.set(key, to_value(meter, value, depth + 1));
  return dict;
}

}  // namespace

ChatTemplate::ChatTemplate(std::string_view source)
    : template_(std::make_unique<const jinja::Template>(jinja::parse(source))) {}
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

std::string ChatTemplate::render(const nlohmann::ordered_json& variables, const RenderLimits& limits) const {
  if (!variables.is_object()) fail("the variables of a chat template must be a JSON object");
  jinja::Meter meter = unlimited();
  return jinja::render(*template_, to_dict(meter, variables, 0), limits);
}

}  // namespace troika::text
