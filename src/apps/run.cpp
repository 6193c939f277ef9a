// troika run: a chat in the terminal; one question and one answer when it is given a prompt or a pipe.
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/chat.h"
#include "apps/chat_commands.h"
#include "apps/chat_terminal.h"
#include "apps/files.h"
#include "apps/load_view.h"
#include "apps/model_options.h"
#include "apps/model_store.h"
#include "apps/printable.h"
#include "apps/verbs.h"
#include "base/error.h"

namespace troika::apps {
namespace {

struct Options {
  ModelOptions model;
  std::string prompt, system;
  std::vector<std::string> images;
  std::optional<float> temperature, top_p;
  std::optional<int> top_k;
  std::optional<uint64_t> seed;
  int max_tokens = 0;
  std::optional<bool> think;
  std::optional<int> thinking_budget;
  bool verbose = false;
  bool pull = true;
};

ChatSettings settings_from(const Options& o, const engine::SamplingOptions& recommended) {
  ChatSettings settings{.sampling = recommended,
                        .max_tokens = o.max_tokens,
                        .think = o.think,
                        .thinking_budget = o.thinking_budget};
  if (o.temperature) settings.sampling.temperature = *o.temperature;
  if (o.top_p) settings.sampling.top_p = *o.top_p;
  if (o.top_k) settings.sampling.top_k = *o.top_k;
  if (o.seed) settings.sampling.seed = *o.seed;
  return settings;
}

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (std::fflush(stdout) != 0) fail("cannot write the answer to standard output");
}

// Prints an answer as it comes. On a terminal the reasoning stands dimmed before it; a pipe gets the answer alone.
class Speech {
 public:
  Speech() : shows_thinking_(::isatty(STDOUT_FILENO) != 0), dims_(std::getenv("NO_COLOR") == nullptr) {}
  ~Speech() {
    if (thinks_ && dims_) std::fputs(kPlain, stdout);
  }
  Speech(const Speech&) = delete;

  void say(Voice voice, std::string_view piece) {
    bool thinking = voice == Voice::thinking;
    if (thinking && !shows_thinking_) return;
    if (thinking != thinks_ && dims_) print(thinking ? kDim : kPlain);
    if (thinks_ && !thinking) print("\n\n");
    thinks_ = thinking;
    print(printable(piece));
  }

 private:
  static constexpr const char *kDim = "\x1b[2m", *kPlain = "\x1b[22m";
  bool shows_thinking_, dims_;
  bool thinks_ = false;
};

// What a reader should know about how the answer ended; to stderr, so that a pipe holds the answer alone.
void comment(const Answer& answer, bool verbose) {
  const engine::Timings& t = answer.last.timings;
  if (answer.context_full) {
    std::fprintf(stderr, "[the context of %d tokens is full; /clear starts anew, --ctx makes it larger]\n",
                 t.prompt_tokens + t.generated_tokens);
  } else if (answer.last.finish == engine::Finish::length) {
    std::fprintf(stderr, "[cut after %d tokens, as max_tokens says]\n", t.generated_tokens);
  }
  if (answer.text.empty() && !answer.reasoning.empty()) {
    std::fputs("[the model was still thinking: nothing is answered; --thinking-budget bounds it]\n", stderr);
  }
  if (!verbose) return;
  std::fprintf(stderr, "[%d tokens read in %.2f s, %d written in %.2f s", t.prompt_tokens, t.prompt_s,
               t.generated_tokens, t.generate_s);
  // The first token belongs to the reading: its time ends there.
  if (t.generated_tokens > 1 && t.generate_s > 0) {
    std::fprintf(stderr, ": %.1f tokens/s", (t.generated_tokens - 1) / t.generate_s);
  }
  std::fputs("]\n", stderr);
}

void answer_one(Chat& chat, std::string_view question, bool verbose) {
  Answer answer;
  {
    Speech speech;
    answer = chat.ask(
        question, [&](Voice voice, std::string_view piece) { speech.say(voice, piece); }, [] { return false; });
  }
  if (!answer.text.ends_with('\n')) print("\n");
  comment(answer, verbose);
}

void answer_interactively(Chat& chat, std::string_view question, Interrupt& interrupt, bool verbose) {
  interrupt.forget();
  Answer answer;
  {
    Speech speech;
    answer = chat.ask(
        question, [&](Voice voice, std::string_view piece) { speech.say(voice, piece); },
        [&] { return interrupt.pressed(); });
  }
  print(interrupt.pressed() ? "\n[stopped]\n\n" : "\n\n");
  comment(answer, verbose);
}

void converse(Chat& chat, std::string_view model, bool verbose) {
  std::printf("%s. /help lists the commands, /bye or Ctrl-D ends.\n\n", printable(model).c_str());
  LineEditor editor(history_file());
  Interrupt interrupt;  // all the time: a Ctrl-C that comes a moment too late must not end the program
  while (auto line = editor.read()) {
    if (line->find_first_not_of(" \t") == std::string::npos) continue;
    try {
      if (line->front() != '/') {
        answer_interactively(chat, *line, interrupt, verbose);
        continue;
      }
      CommandResult result = run_command(chat, *line);
      if (result.leave) return;
      if (!result.text.empty()) std::printf("%s\n", printable(result.text).c_str());
    } catch (const Error& error) {
      std::fprintf(stderr, "error: %s\n", error.what());
    }
  }
  std::puts("");
}

// PROMPT, what a pipe brings, or both.
std::string question_from(const Options& o, bool piped) {
  std::string question = o.prompt;
  if (!piped) return question;
  std::string text = read_stdin();
  while (text.ends_with('\n')) text.pop_back();
  if (!question.empty() && !text.empty()) question += "\n\n";
  return question + text;
}

// `run "What is 2 + 3?"`: words that name no file are a question to the embedded model, or to the one that sees.
void settle_arguments(Options& o) {
  bool words = o.model.model.find(' ') != std::string::npos;
  if (words && o.prompt.empty() && !std::filesystem::exists(o.model.model)) o.prompt.swap(o.model.model);
  if (o.model.model.empty() && !o.images.empty()) o.model.model = kEmbeddedVisionModel;
  if (o.pull) pull_if_missing(o.model.model);
  find_model(o.model.model);  // complains now, before a pipe is read
}

std::unique_ptr<engine::Engine> load_watched(const ModelOptions& model) {
  LoadView view(model.model.empty() ? std::string(kEmbeddedModel) : model.model);
  return model.load(view.progress());
}

void run(Options& o) {
  settle_arguments(o);
  bool piped = ::isatty(STDIN_FILENO) == 0;
  std::string question = question_from(o, piped);
  if (piped && question.empty()) fail("there is no question: give a PROMPT or write one to standard input");

  auto engine = load_watched(o.model);
  Chat chat(*engine);
  chat.settings = settings_from(o, engine->model().sampling);
  chat.set_system(o.system);
  for (const std::string& image : o.images) chat.show(image);
  if (question.empty()) {
    converse(chat, engine->model().name, o.verbose);
  } else {
    answer_one(chat, question, o.verbose);
  }
  if (!chat.has_template()) std::fputs("[the model has no chat template: it continued the text]\n", stderr);
}

}  // namespace

void add_run(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* verb = app.add_subcommand("run", "Chat in the terminal, or answer one PROMPT or what a pipe brings");
  add_model_options(*verb, o->model, ModelArgument::optional);
  verb->add_option("prompt", o->prompt, "a question; without it, and without a pipe, a chat begins");
  verb->add_option("--image", o->images, "a picture to look at (models with eyes only); may be given often")
      ->allow_extra_args(false);
  verb->add_option("--system", o->system, "the system message")->envname("TROIKA_SYSTEM");
  verb->add_option("--temperature", o->temperature, "0: always the likeliest token; absent: the model's own")
      ->check(CLI::Range(0.0, 5.0))
      ->envname("TROIKA_TEMPERATURE");
  verb->add_option("--top-p", o->top_p, "draw among the likeliest tokens that together have this probability")
      ->check(CLI::Range(0.0, 1.0))
      ->envname("TROIKA_TOP_P");
  verb->add_option("--top-k", o->top_k, "draw among this many; 0: among all")
      ->check(CLI::Range(0, 1 << 20))
      ->envname("TROIKA_TOP_K");
  verb->add_option("--seed", o->seed, "the same seed draws the same answer")->envname("TROIKA_SEED");
  verb->add_option("--max-tokens", o->max_tokens, "length of an answer; 0: what the context holds")
      ->check(CLI::Range(0, 1 << 24))
      ->envname("TROIKA_MAX_TOKENS");
  verb->add_flag_function(
          "--think,!--no-think", [o](int64_t count) { o->think = count > 0; },
          "whether a model that can reason does; absent: its own choice")
      ->envname("TROIKA_THINK");
  verb->add_option("--thinking-budget", o->thinking_budget, "tokens that it may reason for; 0: none")
      ->check(CLI::Range(0, 1 << 24))
      ->envname("TROIKA_THINKING_BUDGET");
  verb->add_flag("--pull,!--no-pull", o->pull, "download a model that is not here yet (troika pull); on by default")
      ->envname("TROIKA_PULL");
  verb->add_flag("--verbose", o->verbose, "say how fast each answer was");
  verb->callback([o] { run(*o); });
}

}  // namespace troika::apps
