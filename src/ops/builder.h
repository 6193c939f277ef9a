// What a model is written with: calls on a Builder append operations to a tape. Naming a weight declares it: the
// tape's weight tensors are the manifest that the loader checks a file against.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "ops/program.h"

namespace troika::ops {

class Builder {
 public:
  Builder(int tokens, int outputs);
  int tokens() const { return program_.tokens; }

  // Names within the scope's lifetime are prefixed: scope("layer.0") makes linear("attn.q") read
  // layer.0.attn.q.weight.
  class Scope {
   public:
    ~Scope() { owner_.prefix_.resize(length_); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    friend class Builder;
    Scope(Builder& owner, size_t length) : owner_(owner), length_(length) {}
    Builder& owner_;
    size_t length_;
  };
  [[nodiscard]] Scope scope(std::string_view name);

  enum class Bias { no, yes };

  Tensor embed(std::string_view name, int vocabulary, int width);
  Tensor linear(Tensor x, std::string_view name, int out, Bias bias = Bias::no);
  // Of a weight that is stored with shape `whole`: rows first … first + out − 1 and the first columns.
  struct Part {
    Shape whole;
    int first = 0;
  };
  Tensor linear_part(Tensor x, std::string_view name, int out, Part part);
  Tensor linear_where(Tensor x, std::string_view name, Tensor gate, Part part);
  Tensor features(int width);
  Tensor insert_features(Tensor x);
  // Over whole rows or, with `width`, over each `width` values of a row (the heads of q and k).
  Tensor rms_norm(Tensor x, std::string_view name, float epsilon, int width = 0);
  Tensor rms_norm_plain(Tensor x, float epsilon, int width = 0);  // without a weight
  Tensor layer_norm(Tensor x, std::string_view name, float epsilon);
  Tensor add(Tensor a, Tensor b);
  Tensor mul(Tensor a, Tensor b);
  Tensor mul_by(Tensor x, std::string_view name);  // each row by a weight vector
  Tensor scale(Tensor x, float factor);
  Tensor gated(Activation act, Tensor gate, Tensor up);
  Tensor act(Activation act, Tensor x);
  Tensor softcap(Tensor x, float cap);
  Tensor concat(Tensor a, Tensor b);
  Tensor slice(Tensor x, int first, int count);
  Tensor rope(Tensor x, int heads, std::shared_ptr<const RopeTable> table);
  // Declares a cache and returns its number. `window`: what its readers still look at; 0: everything.
  int kv_cache(int kv_heads, int head_dim, int window = 0);
  void kv_write(int cache, Tensor k, Tensor v);
  Tensor attend(Tensor q, AttendParams params);
  Tensor attend_spans(Tensor q, Tensor k, Tensor v, SpanParams params);
  Tensor pick_rows(Tensor x);  // x, where they have been picked
  Tensor join_rows(Tensor x);
  Tensor mean_rows(Tensor x);
  Tensor mix(Tensor weights, int first, std::vector<Tensor> x);
  // Experts `name`.0, `name`.1, …, as many as `router` has columns, each `width` wide inside.
  Tensor moe(Tensor x, Tensor router, std::string_view name, int width, MoeParams params);
  Tensor match_rms(Tensor x, Tensor like, float floor);
  Tensor cut_below(Tensor x, float deviations);

  // Ends the trace: `logits` is the program's result.
  void keep_states(Tensor states);  // Program::states
  Program finish(Tensor logits);

 private:
  std::string full_name(std::string_view name) const { return prefix_ + std::string(name); }
  Tensor weight(std::string name, Shape shape);  // the same name twice is the same tensor
  Tensor append(OpKind kind, Params params, std::vector<Tensor> in, std::string_view name, Shape shape,
                Extent extent);
  Tensor same_shape(OpKind kind, Params params, std::vector<Tensor> in, std::string_view name);

  Program program_;
  std::unordered_map<std::string, uint32_t> weights_;  // by name
  std::string prefix_;
};

}  // namespace troika::ops
