#include "engine/request_checks.h"

#include "base/error.h"
#include "engine/image_prompt.h"

namespace troika::engine {
namespace {

void check_length(const Request& request, int context) {
  int64_t prompt = static_cast<int64_t>(request.prompt.size());
  if (prompt == 0) fail("the prompt is empty");
  if (request.max_tokens < 0) fail("max_tokens is {}; it must not be negative", request.max_tokens);
  int64_t room = request.wants_prompt() && request.max_tokens == 0 ? context : context - 1;
  if (prompt > room || prompt + request.max_tokens > context) {
    fail("the prompt has {} tokens and {} more are asked for, but the context holds {}", prompt, request.max_tokens,
         context);
  }
}

void check_images(const Request& request, const RequestLimits& limits) {
  if (request.images.empty()) return;
  if (!limits.sees) fail("{}", limits.info.why_blind);
  int end = 0;
  for (const PlacedImage& image : request.images) {
    check(image.picture && image.first >= end && image.rows > 0 && image.columns > 0 &&
              image.count == image.rows * image.columns && image.first + image.count <= int64_t(request.prompt.size()),
          "a request's images lie in its prompt, one after the other");
    end = image.first + image.count;
  }
  if (limits.longest_run == 0) return;
  for (const TokenRun& run : image_runs(request.images)) {
    int tokens = run.end - run.first;
    if (tokens <= limits.longest_run) continue;
    fail("an image of {} tokens does not fit a step of {}; it must be computed at once", tokens, limits.longest_run);
  }
}

void check_ids(const Request& request, int vocabulary) {
  auto known = [&](int32_t id) { return id >= 0 && id < vocabulary; };
  auto image = request.images.begin();
  for (int i = 0; i < static_cast<int>(request.prompt.size()); ++i) {
    while (image != request.images.end() && i >= image->first + image->count) ++image;
    bool shows = image != request.images.end() && i >= image->first;
    int32_t id = request.prompt[size_t(i)];
    if (!shows && !known(id)) fail("token id {} is not in the vocabulary of {}", id, vocabulary);
  }
  for (auto [id, bias] : request.sampling.logit_bias) {
    if (!known(id)) fail("logit_bias names the token id {}; the vocabulary has {}", id, vocabulary);
  }
  for (int32_t id : request.thinking ? request.thinking->close : std::vector<int32_t>{}) {
    if (!known(id)) fail("the end of the reasoning has token id {}; the vocabulary has {}", id, vocabulary);
  }
}

}  // namespace

void check_request(const Request& request, const RequestLimits& limits) {
  check_length(request, limits.info.context_length);
  check_images(request, limits);
  check_ids(request, limits.info.vocabulary);
  if (request.thinking && !limits.has_tokenizer) fail("a limit on reasoning needs a tokenizer, which this model lacks");
  if (request.grammar && !request.stop_at_end_tokens) fail("a grammar says where the answer ends; do not ignore its end");
  if (request.top_logprobs < 0) fail("top_logprobs is {}; it must not be negative", request.top_logprobs);
}

}  // namespace troika::engine
