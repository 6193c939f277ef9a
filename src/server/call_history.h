// Earlier calls of tools and their results, as chat templates want them: a call has its arguments as an object,
// a result is a message of the role "tool". Templates have no place for pictures in results; they come behind
// them in a message of the user.
#pragma once

#include <map>
#include <string>

#include "server/json_input.h"

namespace troika::server {

inline constexpr const char* kPictureBelow = "[a picture, shown below]";  // in a result's text

// Of a message in OpenAI's chat or Ollama's. `calls` stands at `path`.
Json read_tool_calls(const Json& calls, const std::string& path);

// An object or a string of JSON. What is no JSON object (a model's slip that the client sends back) stays the
// string it is.
Json read_arguments(const Json& arguments, const std::string& path);

// For APIs in which a result names its call by an id alone.
class CallHistory {
 public:
  Json call(const std::string& id, const std::string& name, Json arguments);
  // `text` answers the call of that id, which `path` gives. Throws ApiError when there was none.
  Json result(const std::string& id, std::string text, const std::string& path) const;

 private:
  std::map<std::string, std::string, std::less<>> names_;  // by id
};

}  // namespace troika::server
