// What becomes of each field of a request: rows that the request handlers, the OpenAPI description and the tests read,
// so that they cannot disagree. A field without a row is one that we do not know: it is passed over, and the answer's
// X-Troika-Ignored-Fields names it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/http.h"
#include "server/json_input.h"

namespace troika::server {

enum class Use : uint8_t {
  honoured,  // the handler reads it and checks its type and range
  accepted,  // changes nothing about the answer here, as its note says; only its type is checked
  refused,   // would change the answer and cannot be honoured: 400 with its name, unless the value asks for nothing
};

struct Field {
  std::string_view name;
  std::string_view type;  // JSON types, several as in "string or array"
  Use use = Use::honoured;
  std::string_view note;
  std::string_view neutral;  // of a refused one: JSON values that ask for nothing, separated by blanks; null always does
  bool required = false;
};

// The fields of one kind of request. Two tables, since APIs of one family have fields in common.
struct Schema {
  std::string_view name;  // in the OpenAPI description
  std::span<const Field> own, shared;
};

// A request's body, checked against the table of its fields, and who sent it.
struct Asked {
  // Throws ApiError.
  Asked(const HttpRequest& http, const Schema& schema);
  Asked(const Asked&) = delete;
  Asked& operator=(const Asked&) = delete;

  const HttpRequest& http;
  const Json json;
  const Fields fields;
  const std::string caller;  // the name of the caller's key: whose requests and cache it is
  const int priority;        // in the engine: the key's, or a later one that the request asks for
};

// Throws ApiError for refused fields and for accepted ones of a wrong type; accepted ones count as read.
void check_fields(const Fields& fields, const Schema& schema);

// A name for a header's value: names come from strangers, and a header is no place for line breaks and the like.
std::string fit_for_header(std::string name);

// Adds the header with the fields that nobody has read. Call it when all is read.
void name_ignored(const std::vector<std::string>& paths, Reply& reply);

}  // namespace troika::server
