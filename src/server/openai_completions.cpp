// POST /v1/completions: text that continues a prompt, which may be text or token ids, one or several.
#include <algorithm>
#include <cmath>

#include "server/answer_json.h"
#include "server/answer_rules.h"
#include "server/api_error.h"
#include "server/api_schemas.h"
#include "server/fill_in.h"
#include "server/openai.h"
#include "server/openai_request.h"
#include "server/openai_work.h"
#include "server/text_input.h"
#include "text/detokenizer.h"

namespace troika::server {
namespace {

constexpr size_t kMaxChoices = 128;    // of all prompts together
constexpr int kDefaultMaxTokens = 16;  // OpenAI's

struct Prompt {
  std::vector<int32_t> ids;
  // With echo: the prompt's text and, with logprobs too, the score of each of its tokens but the first. The
  // engine writes the scores before its first event, and we read them after it.
  std::string text;
  std::shared_ptr<std::vector<ScoredToken>> scores;
};

class TextWork : public CompletionWork {
 public:
  struct Options {
    bool logprobs = false, echo = false;
    int n = 1;
  };
  TextWork(Setup setup, engine::Engine& engine, std::vector<std::string> stops, std::vector<Prompt> prompts,
           Options options)
      : CompletionWork(std::move(setup), engine, std::move(stops)),
        prompts_(std::move(prompts)),
        options_(options),
        lengths_(setup_.choices, 0),
        echoed_(setup_.choices, false) {}

 protected:
  void open(std::string&) override {}

  void write(const Delta& delta, std::string& out) override {
    Answer piece{.text = delta.text, .tokens = delta.tokens, .finish = delta.finish};
    write_chunk(with_finish(describe(delta.choice, piece), delta.finish), out);
  }

  Json describe(int index, Answer& result) override {
    const Prompt& prompt = prompts_[size_t(index / options_.n)];
    if (setup_.prompt_only) {
      result.text.clear();
      result.tokens.clear();
    }
    Json logprobs;
    if (options_.logprobs)
      logprobs = {{"tokens", Json::array()},
                  {"token_logprobs", Json::array()},
                  {"top_logprobs", Json::array()},
                  {"text_offset", Json::array()}};
    std::string text;
    if (options_.echo && !echoed_[size_t(index)]) {
      echoed_[size_t(index)] = true;
      text = prompt.text;
      if (options_.logprobs) add_prompt(index, prompt, logprobs);
      lengths_[size_t(index)] = characters(prompt.text);
    }
    if (options_.logprobs) {
      for (const ScoredToken& token : result.tokens) add_token(index, token, true, logprobs);
    }
    text += result.text;
    return {{"index", index}, {"text", std::move(text)}, {"logprobs", std::move(logprobs)}};
  }

 private:
  static Json with_finish(Json choice, engine::Finish finish) {
    choice["finish_reason"] = finish_reason(finish);
    return choice;
  }

  static int64_t characters(std::string_view text) {
    return std::ranges::count_if(text, [](char byte) { return (uint8_t(byte) & 0xc0) != 0x80; });
  }

  void add_prompt(int index, const Prompt& prompt, Json& logprobs) {
    for (size_t i = 0; i < prompt.ids.size(); ++i) {
      const bool scored = i > 0 && prompt.scores && i - 1 < prompt.scores->size();
      add_token(index, scored ? (*prompt.scores)[i - 1] : ScoredToken{.id = prompt.ids[i]}, scored, logprobs);
    }
  }

  void add_token(int index, const ScoredToken& token, bool scored, Json& logprobs) {
    const std::string_view text = tokenizer_.bytes(token.id);
    logprobs["tokens"].push_back(text);
    logprobs["token_logprobs"].push_back(scored ? Json(finite(token.logprob)) : Json());
    Json top;
    if (scored) {
      top = Json::object();
      for (const engine::TokenLogprob& other : token.top)
        top[std::string(tokenizer_.bytes(other.id))] = finite(other.logprob);
    }
    logprobs["top_logprobs"].push_back(std::move(top));
    logprobs["text_offset"].push_back(lengths_[size_t(index)]);
    lengths_[size_t(index)] += characters(text);
  }

  const std::vector<Prompt> prompts_;
  const Options options_;
  std::vector<int64_t> lengths_;  // by choice: characters before the next token
  std::vector<bool> echoed_;      // by choice
};

std::vector<Prompt> read_prompts(const Fields& fields, const engine::Engine& engine) {
  std::vector<Prompt> prompts;
  for (auto& ids : read_texts(fields, "prompt", kMaxChoices, engine)) prompts.push_back({.ids = std::move(ids)});
  return prompts;
}

// On the engine's thread: how likely the prompt's own tokens were. Several choices of one prompt share
// `scores`; whichever comes to a position first writes it.
engine::LogitsSink score_prompt(std::shared_ptr<std::vector<ScoredToken>> scores, std::vector<int32_t> ids,
                                int top) {
  return
      [scores = std::move(scores), ids = std::move(ids), top](int position, std::span<const float> logits) {
        const size_t next = size_t(position) + 1;
        if (next >= ids.size() || scores->size() != size_t(position)) return;
        const float largest = *std::ranges::max_element(logits);
        double sum = 0;
        for (const float logit : logits) sum += std::exp(double(logit - largest));
        const float shift = largest + float(std::log(sum));
        ScoredToken token{.id = ids[next], .logprob = logits[size_t(ids[next])] - shift};
        std::vector<engine::TokenLogprob>& best = token.top;
        for (size_t id = 0; id < logits.size() && top > 0; ++id) {
          if (best.size() == size_t(top) && logits[id] - shift <= best.back().logprob) continue;
          if (best.size() == size_t(top)) best.pop_back();
          const engine::TokenLogprob entry{.id = int32_t(id), .logprob = logits[id] - shift};
          best.insert(
              std::ranges::upper_bound(best, entry.logprob, std::greater(), &engine::TokenLogprob::logprob),
              entry);
        }
        scores->push_back(std::move(token));
      };
}

// What was asked for, or the default as far as the context has room for it.
int tokens_to_generate(const engine::ModelInfo& model, size_t prompt_tokens, std::optional<int> wanted) {
  const int room = fit_to_context(model, prompt_tokens, wanted, "prompt");
  if (wanted) return room;
  return std::min(kDefaultMaxTokens, model.context_length - int(prompt_tokens));
}

}  // namespace

Reply completions(const Models& models, const HttpRequest& http, std::string_view) {
  const Asked asked(http, kCompletionSchema);
  const Fields& fields = asked.fields;
  const ServedModel& model = models.find(asked);
  engine::Engine& engine = *model.engine;
  // max_tokens 0 is for scoring a prompt, and only with echo; everywhere else it is at least 1.
  const bool echo = fields.boolean("echo").value_or(false);
  CompletionRequest request = read_completion_request(fields, engine.model(), echo ? 0 : 1);
  const bool prompt_only = request.max_tokens == 0;
  if (prompt_only) request.max_tokens = 1;
  const auto logprobs = fields.integer("logprobs", 0, 20);
  if (fields.integer("best_of", 1, 128).value_or(request.n) != request.n)
    refuse("best_of", "best_of is not supported yet, unless it equals n.");

  std::vector<Prompt> prompts = read_prompts(fields, engine);
  const std::string suffix = fields.string("suffix").value_or("");
  if (!suffix.empty() && echo) refuse("suffix", "suffix cannot be combined with echo.");
  if (!suffix.empty())
    for (Prompt& prompt : prompts) prompt.ids = fill_in_prompt(*engine.text().tokenizer, prompt.ids, suffix);
  if (prompts.size() * size_t(request.n) > kMaxChoices)
    refuse("n", "{} prompts times {} choices are more than {}.", prompts.size(), request.n, kMaxChoices);
  const auto rules = answer_grammar(engine, {.format = request.format, .tools = {}});
  int prompt_tokens = 0;
  std::vector<engine::Request> wanted;
  for (Prompt& prompt : prompts) {
    prompt_tokens += int(prompt.ids.size());
    engine::Request choice{
        .prompt = prompt.ids,
        .max_tokens = tokens_to_generate(engine.model(), prompt.ids.size(), request.max_tokens),
        .sampling = request.sampling,
        .logprobs = logprobs.has_value(),
        .top_logprobs = int(logprobs.value_or(0)),
        .stop_at_end_tokens = !request.ignore_end,
        .owner = asked.caller,
        .priority = asked.priority,
        .slice = request.slice};
    choice.grammar = rules;
    if (echo) prompt.text = engine.text().tokenizer->decode(prompt.ids, false);
    if (echo && logprobs) {
      prompt.scores = std::make_shared<std::vector<ScoredToken>>();
      choice.prompt_logits = score_prompt(prompt.scores, prompt.ids, choice.top_logprobs);
    }
    wanted.push_back(std::move(choice));
  }

  auto work = std::make_unique<TextWork>(
      CompletionWork::Setup{.header = make_header("cmpl-", "text_completion", model),
                            .stream = request.stream,
                            .include_usage = request.include_usage,
                            .choices = int(prompts.size()) * request.n,
                            .prompt_tokens = prompt_tokens,
                            .prompt_only = prompt_only},
      engine, request.stops, std::move(prompts),
      TextWork::Options{.logprobs = logprobs.has_value(), .echo = echo, .n = request.n});
  for (const engine::Request& choice : wanted) work->submit(choice, text::Reasoning::none, request.n);
  Reply reply = reply_with(std::move(work), request.stream);
  name_ignored(fields.unread(), reply);
  return reply;
}

}  // namespace troika::server
