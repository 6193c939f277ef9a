// Requests to every API, from the bytes of their bodies to the last byte of the answer. An input is pairs of lines, asked
// one after another: "POST /v1/responses", then the body, in which resp_last and msg_last stand for the ids of the last
// answer that had such. Whatever a client sends, it is answered, and never with 500.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/input.h"
#include "fuzz/instant_engine.h"
#include "fuzz/json_mutator.h"
#include "server/routes.h"

namespace troika::server {
namespace {

struct World {
  World() {
    calling.info().vocabulary = kByteTokens + 3;
    calling.use_template(kHermesTemplate, {"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"});
    thinking.use_template(kThinkingTemplate);
    seeing.info().vocabulary = kByteTokens + 3;
    seeing.give_eyes();
  }

  InstantEngine calling{"I look.\n" + kCall + "\n" + kNow}, thinking{"<think>\nhm\n</think>\n\nYes."}, seeing{"A c\xC3\xA1t."};
  Models models{{{.id = "calling", .engine = &calling},
                 {.id = "thinking", .engine = &thinking},
                 {.id = "seeing", .engine = &seeing}},
                ServerOptions{}};
};

// The answer's body; of a refusal its own.
std::string read_to_end(Reply& reply) {
  std::string body = std::move(reply.body);
  for (int step = 0; reply.work; ++step) {
    check(step < 1000, "an answer ends");
    Progress progress = reply.work->advance();
    if (progress.rest) progress = progress.rest();
    body += progress.bytes;
    check(progress.status != 500, "the engine does not fail");
    if (progress.done) break;
  }
  return body;
}

std::string ask(const World& world, std::string_view line, std::string body) {
  const size_t blank = std::min(line.find(' '), line.size());
  HttpRequest request{.id = "req_1", .method = std::string(line.substr(0, blank)), .body = std::move(body)};
  request.path = line.substr(std::min(blank + 1, line.size()));
  Match match = match_route(request);
  if (!match.route) return read_to_end(match.reply);
  Reply reply = answer(match, world.models, request);
  check(!reply.waits, "all models are loaded");
  if (reply.later) reply = answer_later(match, reply, request, {});
  check(reply.status != 500, "an exception that is no refusal");
  return read_to_end(reply);
}

// The last id of this kind in an answer, if there is one.
void find_id(std::string_view body, std::string_view prefix, std::string& id) {
  const size_t at = body.rfind(prefix);
  if (at != body.npos) id = body.substr(at, body.find('"', at) - at);
}

void put_ids(std::string& body, std::string_view name, std::string_view id) {
  for (size_t at = 0; (at = body.find(name, at)) != body.npos; at += id.size()) body.replace(at, name.size(), id);
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace
}  // namespace troika::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troika::server;
  static const World world;
  std::string response = "resp_none", item = "msg_none";
  const auto lines = lines_of(troika::fuzz::text_of(data, size));
  for (size_t i = 0; i < lines.size(); i += 2) {
    std::string body = i + 1 < lines.size() ? lines[i + 1] : "";
    put_ids(body, "resp_last", response);
    put_ids(body, "msg_last", item);
    const std::string answered = ask(world, lines[i], std::move(body));
    find_id(answered, "resp_", response);
    find_id(answered, "msg_", item);
  }
  return 0;
}

// Changes one body, or at times anything.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t room, unsigned seed) {
  std::mt19937 random(seed);
  auto lines = troika::server::lines_of(troika::fuzz::text_of(data, size));
  if (lines.size() < 2 || random() % 8 == 0) return LLVMFuzzerMutate(data, size, room);
  std::string& body = lines[random() % (lines.size() / 2) * 2 + 1];
  const size_t length = body.size(), longest = length + room - size;
  body.resize(longest);
  body.resize(troika::fuzz::mutate_json(reinterpret_cast<uint8_t*>(body.data()), length, longest, random()));
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  text.resize(std::min(text.size(), room));
  std::ranges::copy(text, data);
  return text.size();
}
