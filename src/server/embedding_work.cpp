#include "server/embedding_work.h"

#include <algorithm>
#include <cmath>

#include "server/answer_json.h"
#include "server/generation_work.h"

namespace troika::server {
namespace {

// Written on the engine's thread before the request's last event, read after it.
struct Pool {
  std::vector<double> sum;
  int count = 0;
};

std::vector<float> unit_vector(const Pool& pool, int dimensions) {
  const size_t size = dimensions > 0 ? size_t(dimensions) : pool.sum.size();
  double squares = 0;
  for (size_t i = 0; i < size; ++i) squares += pool.sum[i] * pool.sum[i];
  const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;  // the mean's divisor goes with the length
  std::vector<float> vector(size);
  for (size_t i = 0; i < size; ++i) vector[i] = float(pool.sum[i] * scale);
  return vector;
}

class EmbeddingWork : public Work {
 public:
  EmbeddingWork(const EmbeddingCall& call, const Asked& asked, DescribeVectors describe)
      : dimensions_(call.dimensions),
        errors_(call.errors),
        owner_(asked.caller),
        priority_(asked.priority),
        describe_(std::move(describe)),
        generation_(*call.model->engine, {}) {}

  void submit(std::vector<int32_t> ids, bool last_only) {
    tokens_ += int(ids.size());
    auto pool = std::make_shared<Pool>();
    pools_.push_back(pool);
    submit_choices(generation_,
                   {.prompt = std::move(ids),
                    .owner = owner_,
                    .priority = priority_,
                    .prompt_states =
                        [pool](int, std::span<const float> state) {
                          pool->sum.resize(state.size());
                          for (size_t i = 0; i < state.size(); ++i) pool->sum[i] += state[i];
                          ++pool->count;
                        },
                    .last_state_only = last_only},
                   text::Reasoning::none, 1);
  }

  void on_ready(std::function<void()> wake) override { generation_.on_ready(std::move(wake)); }

  Progress advance() override {
    for (const Delta& delta : generation_.take()) {
      if (delta.finish != engine::Finish::failed && delta.finish != engine::Finish::cancelled) continue;
      const ApiError error = error_of(delta);
      return {.bytes = error_body(error, errors_), .done = true, .status = error.status};
    }
    if (!generation_.done()) return {};
    return {.rest = [this] { return Progress{.bytes = body(), .done = true}; }};
  }

 private:
  // Megabytes, for many texts.
  std::string body() const {
    Vectors vectors;
    for (const auto& pool : pools_) vectors.push_back(unit_vector(*pool, dimensions_));
    return dump(describe_(vectors, tokens_));
  }

  const int dimensions_;
  const ErrorStyle errors_;
  const std::string owner_;
  const int priority_;
  const DescribeVectors describe_;
  std::vector<std::shared_ptr<Pool>> pools_;  // by text
  int tokens_ = 0;
  Generation generation_;
};

// The text with the EOS that some models want behind it, fitted to the context.
void fit(std::vector<int32_t>& ids, const EmbeddingCall& call, size_t index) {
  const engine::Engine& engine = *call.model->engine;
  const text::TokenizerData& data = engine.text().tokenizer->data();
  const bool ends = data.add_eos && data.eos && ids.back() != *data.eos;
  const size_t room = size_t(engine.model().context_length) - (ends ? 1 : 0);
  if (ids.size() > room && !call.truncate)
    throw ApiError(400, "invalid_request_error",
                   fmt::format("Text {} of {} has {} tokens; the context has room for {}. Shorten it.", index, call.field,
                               ids.size(), room),
                   call.field, "context_length_exceeded");
  ids.resize(std::min(ids.size(), room));
  if (ends) ids.push_back(*data.eos);
}

}  // namespace

int read_dimensions(const Fields& fields, const ServedModel& model) {
  return int(fields.integer("dimensions", 1, std::max(model.engine->model().width, 1)).value_or(0));
}

Reply embed(const Asked& asked, EmbeddingCall call, DescribeVectors describe) {
  const engine::Pooling pooling = call.model->engine->model().pooling;
  if (pooling == engine::Pooling::other)
    throw ApiError(400, "invalid_request_error",
                   fmt::format("The model '{}' asks for a kind of pooling that is not supported; mean and last are.",
                               call.model->id),
                   "model", "unsupported_parameter");
  auto work = std::make_unique<EmbeddingWork>(call, asked, std::move(describe));
  for (size_t i = 0; i < call.texts.size(); ++i) fit(call.texts[i], call, i);
  for (auto& ids : call.texts) work->submit(std::move(ids), pooling == engine::Pooling::last);
  Reply reply{.work = std::move(work)};
  for (std::string& path : asked.fields.unread()) call.ignored.push_back(std::move(path));
  name_ignored(call.ignored, reply);
  return reply;
}

}  // namespace troika::server
