// OpenAI's Responses API: POST /v1/responses, and GET and DELETE of those that are kept. Reasoning, text and each call of a
// tool are output items of their own. Scores come with the words that their tokens say; those of calls are told nowhere.
#include <algorithm>
#include <ctime>
#include <utility>

#include "server/answer_json.h"
#include "server/answer_rules.h"
#include "server/answer_work.h"
#include "server/api_schemas.h"
#include "server/openai.h"
#include "server/response_store.h"
#include "server/responses_request.h"

namespace troika::server {
namespace {

class ResponseWork : public AnswerWork {
 public:
  ResponseWork(Setup setup, ResponseCall& call, ResponseStore& store)
      : AnswerWork(std::move(setup), call.engine(), {}),
        store_(store),
        owner_(call.owner),
        keep_(call.store),
        logprobs_(call.logprobs),
        items_(std::move(call.items)),
        item_ids_(std::move(call.item_ids)),
        echo_(std::move(call.echo)),
        sampling_(call.request.sampling) {}

 protected:
  void open(std::string& out) override {
    for (const char* type : {"response.created", "response.in_progress"})
      send({{"type", type}, {"response", response("in_progress", Json::array())}}, out);
  }

  void write(const Delta& delta, std::string& out) override {
    if (!delta.reasoning.empty()) {
      enter(Item::reasoning, out);
      reasoning_ += delta.reasoning;
      send(place({{"type", "response.reasoning_text.delta"}, {"delta", delta.reasoning}}), out);
    }
    // Behind reasoning alone there is no message that tokens without text could be of.
    const bool of_text = !delta.text.empty() || (delta.reasoning.empty() && item_ != Item::reasoning);
    if (of_text) scores_.insert(scores_.end(), delta.tokens.begin(), delta.tokens.end());
    for (const AnswerPiece& piece : pieces(delta)) write_piece(piece, out);
    if (item_ == Item::call) scores_.clear();
    // Tokens that show no text; where there are tools, they may belong to a call that is about to begin.
    const bool settled = !setup_.calls || delta.finish != engine::Finish::none;
    if (!scores_.empty() && settled && item_ != Item::reasoning) write_words("", out);
  }

  void close(std::string& out) override {
    if (item_ == Item::none) enter(Item::message, out);
    leave(status(), out);
    Json last = finished(std::move(output_));
    const std::string type = fmt::format("response.{}", last["status"].get_ref<const std::string&>());
    send({{"type", type}, {"response", std::move(last)}}, out);
  }

  void fail(const ApiError& error, std::string& out) override {
    Json failed = response("failed", std::move(output_));
    failed["error"] = {{"code", "server_error"}, {"message", error.what()}};
    send({{"type", "response.failed"}, {"response", std::move(failed)}}, out);
  }

  Json whole() override {
    SpokenAnswer spoken = read_answer(answer().text, setup_.calls);
    reasoning_ = answer().reasoning;
    text_ = std::move(spoken.words);
    if (logprobs_) text_logprobs_ = describe_logprobs(tokenizer_, tokens_of_words());
    std::vector<Item> items;
    if (!reasoning_.empty()) items.push_back(Item::reasoning);
    if (!text_.empty() || (items.empty() && spoken.calls.empty())) items.push_back(Item::message);
    items.insert(items.end(), spoken.calls.size(), Item::call);
    for (size_t i = 0, call = 0; i < items.size(); ++i) {
      if (items[i] == Item::call) {
        call_ = {.name = std::move(spoken.calls[call].name), .arguments = std::move(spoken.calls[call].arguments)};
        ++call;
      }
      output_.push_back(item_of(items[i], i + 1 == items.size() ? status() : kCompleted));
    }
    return finished(std::move(output_));
  }

 private:
  enum class Item : uint8_t { none, reasoning, message, call };

  struct Call {
    std::string id = random_id("fc_"), call_id = random_id("call_");
    std::string name, arguments;
  };

  static constexpr const char* kCompleted = "completed";

  // What the engine's end means for the response and its last item; items before that are complete.
  const char* status() const { return answer().finish == engine::Finish::length ? "incomplete" : kCompleted; }

  Json part_of(Item item) const {
    if (item == Item::reasoning) return {{"type", "reasoning_text"}, {"text", reasoning_}};
    return {{"type", "output_text"}, {"text", text_}, {"annotations", Json::array()}, {"logprobs", text_logprobs_}};
  }

  Json item_of(Item item, const char* status) const {
    const bool begun = std::string_view(status) == "in_progress";
    Json content = begun ? Json::array() : Json::array({part_of(item)});
    if (item == Item::call)
      return {{"id", call_.id},
              {"type", "function_call"},
              {"status", status},
              {"arguments", begun ? "" : call_.arguments},
              {"call_id", call_.call_id},
              {"name", call_.name}};
    if (item == Item::reasoning)
      return {{"id", reasoning_id_},
              {"type", "reasoning"},
              {"status", status},
              {"summary", Json::array()},
              {"content", std::move(content)}};
    return {{"id", message_id_},
            {"type", "message"},
            {"status", status},
            {"role", "assistant"},
            {"content", std::move(content)}};
  }

  const std::string& id_of(Item item) const {
    if (item == Item::call) return call_.id;
    return item == Item::reasoning ? reasoning_id_ : message_id_;
  }

  // Adds where in the output an event belongs, behind its type.
  Json place(Json event) const {
    Json placed = {{"type", event["type"]}, {"item_id", id_of(item_)}, {"output_index", output_.size()}};
    if (item_ != Item::call) placed["content_index"] = 0;
    placed.update(event);
    return placed;
  }

  void write_piece(const AnswerPiece& piece, std::string& out) {
    switch (piece.kind) {
      case AnswerPiece::Kind::words:
        return write_words(piece.text, out);
      case AnswerPiece::Kind::call:
        if (item_ != Item::none) leave(kCompleted, out);
        call_ = {.name = piece.text};
        return begin(Item::call, out);
      case AnswerPiece::Kind::arguments:
        call_.arguments += piece.text;
        return send(place({{"type", "response.function_call_arguments.delta"}, {"delta", piece.text}}), out);
    }
  }

  void write_words(const std::string& words, std::string& out) {
    enter(Item::message, out);
    text_ += words;
    Json event = place({{"type", "response.output_text.delta"}, {"delta", words}});
    Json& scores = event["logprobs"] = describe_logprobs(tokenizer_, std::exchange(scores_, {}));
    for (const Json& entry : scores) text_logprobs_.push_back(entry);
    send(std::move(event), out);
  }

  // Of the whole answer, as a stream would tell them.
  std::vector<ScoredToken> tokens_of_words() const {
    const auto& all = answer().tokens;
    const auto begin = all.begin() + ptrdiff_t(answer().reasoning_tokens);
    if (!setup_.calls) return {begin, all.end()};
    ToolCallParser parser(*setup_.calls);
    auto end = begin;
    for (auto token = begin; token != all.end() && parser.calls() == 0; ++token) {
      const bool last = token + 1 == all.end();
      const auto pieces = parser.append(tokenizer_.bytes(token->id), last);
      const bool speaks = !pieces.empty() && pieces.front().kind == AnswerPiece::Kind::words;
      if (speaks || (last && parser.calls() == 0)) end = token + 1;
    }
    return {begin, end};
  }

  void enter(Item item, std::string& out) {
    if (item_ == item) return;
    if (item_ != Item::none) leave(kCompleted, out);
    begin(item, out);
  }

  void begin(Item item, std::string& out) {
    item_ = item;
    send({{"type", "response.output_item.added"},
          {"output_index", output_.size()},
          {"item", item_of(item, "in_progress")}},
         out);
    if (item != Item::call) send(place({{"type", "response.content_part.added"}, {"part", part_of(item)}}), out);
  }

  void leave(const char* status, std::string& out) {
    if (item_ == Item::call) {
      send(place({{"type", "response.function_call_arguments.done"},
                  {"arguments", call_.arguments},
                  {"name", call_.name}}),
           out);
    } else {
      leave_part(out);
    }
    Json item = item_of(item_, status);
    send({{"type", "response.output_item.done"}, {"output_index", output_.size()}, {"item", item}}, out);
    output_.push_back(std::move(item));
  }

  void leave_part(std::string& out) {
    const bool reasoning = item_ == Item::reasoning;
    Json done = place({{"type", reasoning ? "response.reasoning_text.done" : "response.output_text.done"},
                       {"text", reasoning ? reasoning_ : text_}});
    if (!reasoning) done["logprobs"] = text_logprobs_;
    send(std::move(done), out);
    send(place({{"type", "response.content_part.done"}, {"part", part_of(item_)}}), out);
  }

  void send(Json event, std::string& out) {
    event["sequence_number"] = sequence_++;
    write_event(event, out);
  }

  Json finished(Json output) {
    Json result = response(status(), std::move(output));
    if (answer().finish == engine::Finish::length) result["incomplete_details"] = {{"reason", "max_output_tokens"}};
    const int generated = generation().completion_tokens();
    result["usage"] = {{"input_tokens", setup_.prompt_tokens},
                       {"input_tokens_details", {{"cached_tokens", generation().timings().reused_tokens}}},
                       {"output_tokens", generated},
                       {"output_tokens_details", {{"reasoning_tokens", generation().reasoning_tokens()}}},
                       {"total_tokens", setup_.prompt_tokens + generated}};
    if (keep_) keep(result);
    return result;
  }

  void keep(const Json& result) {
    for (const Json& item : result["output"]) item_ids_.push_back(item["id"]);
    store_.put(setup_.id, {.owner = owner_,
                           .response = dump(result),
                           .input = std::move(items_),
                           .items = std::move(item_ids_)});
  }

  Json response(const char* status, Json output) const {
    return {{"id", setup_.id},
            {"object", "response"},
            {"created_at", created_},
            {"status", status},
            {"background", false},
            {"error", nullptr},
            {"incomplete_details", nullptr},
            {"instructions", echo_["instructions"]},
            {"max_output_tokens", echo_["max_output_tokens"]},
            {"model", setup_.model},
            {"output", std::move(output)},
            {"parallel_tool_calls", echo_["parallel_tool_calls"]},
            {"previous_response_id", echo_["previous_response_id"]},
            {"reasoning", echo_["reasoning"]},
            {"store", keep_},
            {"temperature", sampling_.temperature},
            {"text", echo_["text"]},
            {"tool_choice", echo_["tool_choice"]},
            {"tools", echo_["tools"]},
            {"top_p", sampling_.top_p},
            {"truncation", "disabled"},
            {"usage", nullptr},
            {"metadata", echo_["metadata"]}};
  }

  ResponseStore& store_;
  std::string owner_;
  const bool keep_, logprobs_;
  std::string items_;
  std::vector<std::string> item_ids_;
  const Json echo_;
  const engine::SamplingOptions sampling_;
  const int64_t created_ = std::time(nullptr);
  const std::string reasoning_id_ = random_id("rs_"), message_id_ = random_id("msg_");

  // Of the stream.
  Item item_ = Item::none;
  std::string reasoning_, text_;
  Call call_;
  std::vector<ScoredToken> scores_;  // whose words are not written yet
  Json text_logprobs_ = Json::array();
  Json output_ = Json::array();  // items that are complete
  int64_t sequence_ = 0;
};

Reply answer_response(ResponseCall& call, ResponseStore& store, const std::vector<engine::SharedPicture>& pictures) {
  PreparedChat chat = prepare_chat(call, pictures);
  const bool stream = call.request.stream;
  auto work = std::make_unique<ResponseWork>(AnswerWork::Setup{.id = random_id("resp_"),
                                                               .model = call.model->id,
                                                               .stream = stream,
                                                               .prompt_tokens = int(chat.request.prompt.size()),
                                                               .calls = chat.calls},
                                             call, store);
  work->submit(chat.request, chat.reasoning);
  Reply reply = reply_with(std::move(work), stream);
  add_notes(reply, chat.request.grammar.get());
  return reply;
}

[[noreturn]] void refuse_unknown(std::string_view id) {
  throw ApiError(404, "not_found_error", unknown_response(id));
}

}  // namespace

Reply create_response(const Models& models, const HttpRequest& http, std::string_view) {
  const Asked asked(http, kResponseSchema);
  const auto call = read_response_call(models, asked);
  return with_pictures(models, asked, call,
                       [call = call.get(), &store = models.responses()](const auto& pictures) {
                         return answer_response(*call, store, pictures);
                       });
}

// A response, or with /input_items behind its id what it answered, the last first.
Reply show_response(const Models& models, const HttpRequest& http, std::string_view rest) {
  constexpr std::string_view kInputItems = "/input_items";
  const bool items = rest.ends_with(kInputItems);
  const std::string_view id = items ? rest.substr(0, rest.size() - kInputItems.size()) : rest;
  const auto stored = models.responses().find(id, http.caller.name);
  if (!stored) refuse_unknown(id);
  if (!items) return {.body = stored->response};
  Json data = parse_json(stored->input, "What was answered");
  std::ranges::reverse(data);
  return {.body = dump({{"object", "list"},
                        {"first_id", data.front()["id"]},
                        {"last_id", data.back()["id"]},
                        {"has_more", false},
                        {"data", std::move(data)}})};
}

Reply delete_response(const Models& models, const HttpRequest& http, std::string_view id) {
  if (!models.responses().erase(id, http.caller.name)) refuse_unknown(id);
  return {.body = dump({{"id", id}, {"object", "response"}, {"deleted", true}})};
}

}  // namespace troika::server
