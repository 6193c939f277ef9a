// The way out that chat and text completions share: the members that their chunks and their bodies have in
// common. Subclasses say what a choice looks like.
#pragma once

#include <string>
#include <vector>

#include "server/generation_work.h"
#include "server/models.h"

namespace troika::server {

// The members that all chunks of one answer share.
struct AnswerHeader {
  std::string id;       // "chatcmpl-…"
  std::string object;   // "chat.completion"
  int64_t created = 0;  // Unix seconds
  std::string model;
};
AnswerHeader make_header(const char* id_prefix, const char* object, const ServedModel& model);

class CompletionWork : public GenerationWork {
 public:
  struct Setup {
    AnswerHeader header;
    bool stream = false, include_usage = false;
    int choices = 1;
    int prompt_tokens = 0;
    bool prompt_only = false;  // the one token that the engine must make is neither shown nor counted
  };
  CompletionWork(Setup setup, engine::Engine& engine, std::vector<std::string> stops);

 protected:
  void close(std::string& out) override;
  void fail(const ApiError& error, std::string& out) override;
  Json whole() override;
  std::string refusal(const ApiError& error) const override;

  // Not streamed: the members of one choice; finish_reason, which comes last, is added unless it is there.
  virtual Json describe(int index, Answer& result) = 0;

  // One event: the header, the choice and, if asked for, an empty usage.
  void write_chunk(Json choice, std::string& out) const;

  const Setup setup_;

 private:
  Json header() const;
  Json usage() const;
  Json timings() const;
};

}  // namespace troika::server
