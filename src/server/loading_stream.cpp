#include "server/loading_stream.h"

#include "server/answer_json.h"
#include "server/api_error.h"
#include "server/model_pool.h"

namespace troika::server {

Reply event_stream() {
  return {.content_type = "text/event-stream; charset=utf-8",
          .headers = {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}},
          .streamed = true};
}

std::string loading_event(Events events, const PendingLoad& load) {
  if (events == Events::anthropic) return "event: ping\ndata: {\"type\": \"ping\"}\n\n";
  return fmt::format(": loading {} {:.0f} %\n\n", shown(load.id), 100 * load.share());
}

std::string refusal_event(Events events, const Reply& reply) {
  switch (events) {
    case Events::none:
      break;
    case Events::openai:
      return fmt::format("data: {}\n\n", reply.body);
    case Events::anthropic:
      return fmt::format("event: error\ndata: {}\n\n", reply.body);
    case Events::responses: {
      const Json error = Json::parse(reply.body).at("error");
      return fmt::format("event: error\ndata: {}\n\n", dump({{"type", "error"},
                                                             {"code", error.at("code")},
                                                             {"message", error.at("message")},
                                                             {"param", error.at("param")},
                                                             {"sequence_number", 0}}));
    }
  }
  return "";
}

}  // namespace troika::server
