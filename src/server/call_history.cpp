#include "server/call_history.h"

#include "server/api_error.h"

namespace troika::server {

Json read_arguments(const Json& arguments, const std::string& path) {
  if (arguments.is_object()) return arguments;
  if (!arguments.is_string()) refuse(path, "{} must be a string of JSON, not {}.", path, kind_of(arguments));
  try {
    Json parsed = parse_json(arguments.get_ref<const std::string&>());
    if (parsed.is_object()) return parsed;
  } catch (const ApiError&) {
  }
  return arguments;
}

Json read_tool_calls(const Json& calls, const std::string& path) {
  if (!calls.is_array()) refuse(path, "{} must be an array, not {}.", path, kind_of(calls));
  Json result = Json::array();
  for (size_t i = 0; i < calls.size(); ++i) {
    const Fields call(calls[i], fmt::format("{}[{}]", path, i));
    const Fields function(call.required("function"), call.path("function"));
    function.required("name");
    Json item = {{"type", "function"}, {"function", {{"name", *function.string("name")}}}};
    if (const auto id = call.string("id")) item["id"] = *id;
    const Json* arguments = function.find("arguments");
    item["function"]["arguments"] =
        arguments ? read_arguments(*arguments, function.path("arguments")) : Json::object();
    result.push_back(std::move(item));
  }
  return result;
}

Json CallHistory::call(const std::string& id, const std::string& name, Json arguments) {
  names_.insert_or_assign(id, name);
  return {{"type", "function"},
          {"function", {{"name", name}, {"arguments", std::move(arguments)}}},
          {"id", id}};
}

Json CallHistory::result(const std::string& id, std::string text, const std::string& path) const {
  const auto named = names_.find(id);
  if (named == names_.end())
    refuse(path, "{} is '{}', but no call before it has this id; send the call too.", path, shown(id));
  return {{"role", "tool"}, {"content", std::move(text)}, {"name", named->second}, {"tool_call_id", id}};
}

}  // namespace troika::server
