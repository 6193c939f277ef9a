#include "server/server_models.h"

#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "server/answer_json.h"
#include "server/api_error.h"
#include "server/api_schemas.h"

namespace troika::server {
namespace {

ModelSource& source_of(const Models& models) {
  if (!models.source())
    throw ApiError(501, "not_implemented_error", "This server's models are those it was started with.");
  return *models.source();
}

// Ollama's clients say `model`, older ones `name`.
std::string name_in(const Fields& fields) {
  const auto name = fields.string("model"), old_name = fields.string("name");
  if (!name && !old_name) fields.required("model");
  return name ? *name : *old_name;
}

// What the store says is wrong is the asker's to know.
template <typename Do>
void ask_store(const Do& work) {
  try {
    work();
  } catch (const InternalError&) {
    throw;
  } catch (const Error& error) {
    throw ApiError(404, "not_found_error", error.what(), "model");
  }
}

Json describe(const PullProgress& progress) {
  Json line = {{"status", progress.status}};
  if (progress.digest.empty()) return line;
  if (progress.digest.size() == 64) line["digest"] = "sha256:" + progress.digest;  // others are git's
  line["total"] = progress.total;
  line["completed"] = progress.completed;
  return line;
}

Reply reply_to(const Asked& asked, const Json& body) {
  Reply reply{.body = dump(body)};
  name_ignored(asked.fields.unread(), reply);
  return reply;
}

// A download, on a thread of its own: it ends with the request.
class PullWork : public Work {
 public:
  PullWork(ModelSource& source, std::string name, bool stream)
      : stream_(stream), thread_([this, &source, name = std::move(name)](const std::stop_token& stop) {
          pull(source, name, stop);
        }) {}

  void on_ready(std::function<void()> wake) override {
    const std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
  }

  bool ends_slowly() const override { return true; }

  Progress advance() override {
    const std::lock_guard lock(mutex_);
    Progress progress{.done = done_};
    if (stream_) {
      progress.bytes.swap(lines_);
      return progress;
    }
    if (!done_) return progress;
    progress.status = error_.empty() ? 200 : 500;
    progress.bytes = error_.empty() ? dump({{"status", "success"}}) : dump({{"error", error_}});
    return progress;
  }

 private:
  void pull(ModelSource& source, const std::string& name, const std::stop_token& stop) {
    std::string error;
    try {
      source.pull(name, [this](const PullProgress& progress) { add(describe(progress), false); }, stop);
    } catch (const std::exception& wrong) {
      error = wrong.what();
      log::warn("a model was not brought: {}", error);
    }
    {
      const std::lock_guard lock(mutex_);
      error_ = error;
    }
    add(error.empty() ? Json{{"status", "success"}} : Json{{"error", error}}, true);
  }

  void add(const Json& line, bool done) {
    std::function<void()> wake;
    {
      const std::lock_guard lock(mutex_);
      if (stream_) lines_ += dump(line) + '\n';
      done_ = done;
      wake = wake_;
    }
    if (wake && (stream_ || done)) wake();
  }

  const bool stream_;
  std::mutex mutex_;  // guards what follows
  std::string lines_, error_;
  bool done_ = false;
  std::function<void()> wake_;
  std::jthread thread_;  // last: the rest is there before it begins and after it ends
};

}  // namespace

Reply load_model(const Models& models, const HttpRequest& http, std::string_view) {
  const Asked asked(http, kModelNameSchema);
  asked.fields.required("model");
  return reply_to(asked, {{"id", models.open(asked).id}, {"status", "loaded"}});
}

Reply unload_model(const Models& models, const HttpRequest& http, std::string_view) {
  const Asked asked(http, kModelNameSchema);
  asked.fields.required("model");
  const std::string name = *asked.fields.string("model");
  models.look(http.caller, name);  // a key may be limited to others
  models.pool().unload(name);
  const ModelView now = models.look(http.caller, name);
  return reply_to(asked, {{"id", now.offer.id}, {"status", name_of(now.state)}});
}

Reply ollama_pull(const Models& models, const HttpRequest& http, std::string_view) {
  const Asked asked(http, kOllamaPullSchema);
  const bool stream = asked.fields.boolean("stream").value_or(true);
  Reply reply{.work = std::make_unique<PullWork>(source_of(models), name_in(asked.fields), stream), .streamed = stream};
  if (stream) reply.content_type = "application/x-ndjson";
  name_ignored(asked.fields.unread(), reply);
  return reply;
}

Reply ollama_copy(const Models& models, const HttpRequest& http, std::string_view) {
  const Asked asked(http, kOllamaCopySchema);
  asked.fields.required("source");
  asked.fields.required("destination");
  const std::string from = *asked.fields.string("source"), to = *asked.fields.string("destination");
  ModelSource& source = source_of(models);
  ask_store([&] { source.copy(from, to); });
  models.pool().refresh();
  return reply_to(asked, Json::object());
}

// Its memory is freed once nobody uses it; its files are gone at once, which a running answer does not notice.
Reply ollama_delete(const Models& models, const HttpRequest& http, std::string_view) {
  const Asked asked(http, kOllamaDeleteSchema);
  const std::string name = name_in(asked.fields);
  ModelSource& source = source_of(models);
  ask_store([&] { source.remove(name); });
  models.pool().refresh();
  return reply_to(asked, Json::object());
}

}  // namespace troika::server
