// What a request to OpenAI's Responses API asks for, as a chat.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/chat_call.h"

namespace troika::server {

struct ResponseCall : ChatCall {
  std::string items;           // a JSON array: all before the answer, those of earlier responses first
  std::vector<std::string> item_ids;  // of the request's own items
  Json echo;                   // members that come back with the response
  bool store = true;
};

std::shared_ptr<ResponseCall> read_response_call(const Models& models, const Asked& asked);

}  // namespace troika::server
