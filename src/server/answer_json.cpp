#include "server/answer_json.h"

#include <cmath>

namespace troika::server {
namespace {

Json describe_score(const text::Tokenizer& tokenizer, int32_t id, float logprob) {
  const std::string_view text = tokenizer.bytes(id);
  Json bytes = Json::array();
  for (const char byte : text) bytes.push_back(int(uint8_t(byte)));
  return {{"token", text}, {"logprob", finite(logprob)}, {"bytes", std::move(bytes)}};
}

}  // namespace

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

float finite(float logprob) { return std::isfinite(logprob) ? logprob : -9999.0f; }

Json finish_reason(engine::Finish finish) {
  switch (finish) {
    case engine::Finish::none:
      return nullptr;
    case engine::Finish::stop:
      return "stop";
    case engine::Finish::length:
      return "length";
    case engine::Finish::cancelled:
    case engine::Finish::failed:
      break;
  }
  return "stop";  // not reached: these end in an error
}

Json describe_logprobs(const text::Tokenizer& tokenizer, const std::vector<ScoredToken>& tokens) {
  Json list = Json::array();
  for (const ScoredToken& token : tokens) {
    Json entry = describe_score(tokenizer, token.id, token.logprob);
    Json& top = entry["top_logprobs"] = Json::array();
    for (const engine::TokenLogprob& other : token.top)
      top.push_back(describe_score(tokenizer, other.id, other.logprob));
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace troika::server
