// POST /v1/messages and /v1/messages/count_tokens. Reasoning comes as a thinking block before the text; its signature
// proves nothing and is not checked when it comes back. Calls of tools come as blocks behind the text; one that was cut
// short has no input that could be shown, so that a whole message leaves it out, and a stream breaks off in it.
#include "server/answer_json.h"
#include "server/answer_rules.h"
#include "server/answer_work.h"
#include "server/anthropic.h"
#include "server/anthropic_request.h"
#include "server/api_schemas.h"

namespace troika::server {
namespace {

constexpr const char* kSignature = "unsigned";
constexpr const char* kPing = "event: ping\ndata: {\"type\":\"ping\"}\n\n";

Json thinking_block(std::string text) {
  return {{"type", "thinking"}, {"thinking", std::move(text)}, {"signature", ""}};
}
Json text_block(std::string text) { return {{"type", "text"}, {"text", std::move(text)}}; }
Json call_block(const std::string& name, Json input) {
  return {{"type", "tool_use"}, {"id", random_id("toolu_")}, {"name", name}, {"input", std::move(input)}};
}

class MessageWork : public AnswerWork {
 public:
  using AnswerWork::AnswerWork;

 protected:
  void open(std::string& out) override {
    Json message = header();
    message["content"] = Json::array();
    message["stop_reason"] = message["stop_sequence"] = nullptr;
    message["usage"] = {{"input_tokens", setup_.prompt_tokens},
                        {"cache_creation_input_tokens", 0},
                        {"cache_read_input_tokens", 0},
                        {"output_tokens", 0}};
    write_event({{"type", "message_start"}, {"message", std::move(message)}}, out);
  }

  void write(const Delta& delta, std::string& out) override {
    if (!delta.reasoning.empty()) {
      enter(Block::thinking, out);
      write_delta({{"type", "thinking_delta"}, {"thinking", delta.reasoning}}, out);
    }
    for (const AnswerPiece& piece : pieces(delta)) write_piece(piece, out);
  }

  void close(std::string& out) override {
    if (block_ == Block::none) enter(Block::text, out);
    leave(out);
    Json delta = {{"stop_reason", stop_reason(called_)}, {"stop_sequence", stop_sequence()}};
    write_event({{"type", "message_delta"}, {"delta", std::move(delta)}, {"usage", usage()}}, out);
    write_event(Json::object({{"type", "message_stop"}}), out);
  }

  void fail(const ApiError& error, std::string& out) override {
    out += fmt::format("event: error\ndata: {}\n\n", error_body(error, ErrorStyle::anthropic, setup_.request_id));
  }

  Json whole() override {
    Json message = header();
    Json& content = message["content"] = Json::array();
    if (!answer().reasoning.empty()) {
      content.push_back(thinking_block(answer().reasoning));
      content.back()["signature"] = kSignature;
    }
    SpokenAnswer spoken = read_answer(answer().text, setup_.calls);
    if (!spoken.words.empty()) content.push_back(text_block(std::move(spoken.words)));
    for (const ToolCall& call : spoken.calls)
      if (auto input = call.object()) content.push_back(call_block(call.name, *std::move(input)));
    if (content.empty()) content.push_back(text_block(""));
    message["stop_reason"] = stop_reason(!spoken.calls.empty());
    message["stop_sequence"] = stop_sequence();
    message["usage"] = usage();
    return message;
  }

 private:
  enum class Block : uint8_t { none, thinking, text, call };

  Json header() const {
    return {{"id", setup_.id}, {"type", "message"}, {"role", "assistant"}, {"model", setup_.model}};
  }

  // What was in the cache already does not count as input.
  Json usage() const {
    const int cached = generation().timings().reused_tokens;
    return {{"input_tokens", setup_.prompt_tokens - cached},
            {"cache_creation_input_tokens", 0},
            {"cache_read_input_tokens", cached},
            {"output_tokens", generation().completion_tokens()}};
  }

  Json stop_reason(bool called) const {
    if (!answer().stop.empty()) return "stop_sequence";
    if (answer().finish == engine::Finish::length) return "max_tokens";
    return called ? "tool_use" : "end_turn";
  }
  Json stop_sequence() const { return answer().stop.empty() ? Json() : Json(answer().stop); }

  void write_piece(const AnswerPiece& piece, std::string& out) {
    switch (piece.kind) {
      case AnswerPiece::Kind::words:
        enter(Block::text, out);
        return write_delta({{"type", "text_delta"}, {"text", piece.text}}, out);
      case AnswerPiece::Kind::call:
        called_ = true;
        return begin(Block::call, call_block(piece.text, Json::object()), out);
      case AnswerPiece::Kind::arguments:
        return write_delta({{"type", "input_json_delta"}, {"partial_json", piece.text}}, out);
    }
  }

  void enter(Block block, std::string& out) {
    if (block_ == block) return;
    begin(block, block == Block::thinking ? thinking_block("") : text_block(""), out);
  }

  void begin(Block block, Json content, std::string& out) {
    if (block_ != Block::none) leave(out);
    block_ = block;
    write_event({{"type", "content_block_start"}, {"index", index_}, {"content_block", std::move(content)}}, out);
  }

  void leave(std::string& out) {
    if (block_ == Block::thinking) write_delta({{"type", "signature_delta"}, {"signature", kSignature}}, out);
    write_event({{"type", "content_block_stop"}, {"index", index_++}}, out);
  }

  void write_delta(Json delta, std::string& out) const {
    write_event({{"type", "content_block_delta"}, {"index", index_}, {"delta", std::move(delta)}}, out);
  }

  Block block_ = Block::none;
  int index_ = 0;  // of the block
  bool called_ = false;
};

Reply answer_messages(ChatCall& call, const std::string& request_id,
                      const std::vector<engine::SharedPicture>& pictures) {
  PreparedChat chat = prepare_chat(call, pictures);
  auto work = std::make_unique<MessageWork>(AnswerWork::Setup{.id = random_id("msg_"),
                                                              .model = call.model->id,
                                                              .stream = call.request.stream,
                                                              .prompt_tokens = int(chat.request.prompt.size()),
                                                              .errors = ErrorStyle::anthropic,
                                                              .request_id = request_id,
                                                              .calls = chat.calls},
                                            call.engine(), call.request.stops);
  work->submit(chat.request, chat.reasoning);
  Reply reply = reply_with(std::move(work), call.request.stream);
  reply.ping = kPing;
  add_notes(reply, chat.request.grammar.get());
  return reply;
}

}  // namespace

Reply messages(const Models& models, const HttpRequest& http, std::string_view) {
  const Asked asked(http, kMessagesSchema);
  const auto call = read_anthropic_prompt(models, asked);
  read_anthropic_answer(asked.fields, *call);
  return with_pictures(models, asked, call, [call = call.get(), id = http.id](const auto& pictures) {
    return answer_messages(*call, id, pictures);
  });
}

Reply count_tokens(const Models& models, const HttpRequest& http, std::string_view) {
  const Asked asked(http, kCountTokensSchema);
  const auto call = read_anthropic_prompt(models, asked);
  return with_pictures(models, asked, call, [call = call.get()](const auto& pictures) {
    Json body = Json::object();
    body["input_tokens"] = chat_prompt(*call, pictures).tokens.size();
    return Reply{.body = dump(body)};
  });
}

}  // namespace troika::server
