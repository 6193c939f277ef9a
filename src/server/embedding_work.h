// Vectors of texts: the last hidden states, pooled as the model's file says, of unit length.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/api_error.h"
#include "server/api_fields.h"
#include "server/http.h"
#include "server/json_input.h"
#include "server/models.h"

namespace troika::server {

using Vectors = std::vector<std::vector<float>>;

struct EmbeddingCall {
  const ServedModel* model = nullptr;
  std::vector<std::vector<int32_t>> texts;
  int dimensions = 0;     // only the first so many; 0: all
  bool truncate = false;  // texts that are too long lose their end; otherwise they are refused
  std::string field;      // that complaints about the texts name
  ErrorStyle errors = ErrorStyle::openai;
  std::vector<std::string> ignored;  // fields that nobody has read, besides the body's own
};

inline constexpr size_t kMostTexts = 2048;  // of a request, where an API takes several

// The body of the answer from the vectors and the number of tokens that were read for them.
using DescribeVectors = std::function<Json(const Vectors&, int tokens)>;

// Once all is read: in the caller's name, with the ignored fields named in the answer. Throws ApiError when
// the texts cannot be embedded.
Reply embed(const Asked& asked, EmbeddingCall call, DescribeVectors describe);

// The field `dimensions`, which the model must have.
int read_dimensions(const Fields& fields, const ServedModel& model);

}  // namespace troika::server
