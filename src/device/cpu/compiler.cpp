#include "device/cpu/op_compiler.h"

#include "device/host_memory.h"

namespace troika::device::cpu {

kernels::Unary unary_of(ops::Activation act) {
  switch (act) {
    case ops::Activation::silu: return kernels::Unary::silu;
    case ops::Activation::gelu_tanh: return kernels::Unary::gelu_tanh;
    case ops::Activation::gelu_erf: return kernels::Unary::gelu_erf;
    case ops::Activation::relu: return kernels::Unary::relu;
    case ops::Activation::tanh: return kernels::Unary::tanh;
  }
  return kernels::Unary::relu;
}

Compiled OpCompiler::compile() {
  size_scratch();
  for (size_t i = segment_.begin; i < segment_.end; ++i) add(program_.ops[i]);
  return std::move(compiled_);
}

float* OpCompiler::data(Tensor t) const {
  const TensorInfo& tensor = program_[t];
  check(tensor.role == ops::Role::activation, "activations lie in the arena");
  size_t offset = segment_.offsets[t.id];
  check(offset + size_t(tensor.shape.values()) * sizeof(float) <= segment_.arena->size(), "arena size");
  return reinterpret_cast<float*>(segment_.arena->host() + offset);
}

const CpuWeight& OpCompiler::weight(Tensor t) {
  auto found = std::dynamic_pointer_cast<CpuWeight>(segment_.weights[t.id]);
  check(found != nullptr, "the CPU prepared the weight");
  check(found->view.shape == program_[t].shape, "a weight has its program's shape");
  compiled_.keep.push_back(found);
  return *found;
}

const float* OpCompiler::vector(Tensor t) {
  const CpuWeight& w = weight(t);
  check(!w.floats.empty(), "vectors are kept in float32");
  return w.floats.data();
}

LiveRows OpCompiler::rows(Tensor t) const {
  const TensorInfo& tensor = program_[t];
  switch (tensor.extent) {
    case ops::Extent::fixed: break;
    case ops::Extent::tokens: return {&inputs_.tokens, 0};
    case ops::Extent::outputs: return {&inputs_.outputs, 0};
  }
  return {nullptr, static_cast<int>(tensor.shape.rows())};
}

void OpCompiler::size_scratch() {
  std::vector<size_t> tile_bytes(kernels::kArithmetics);
  size_t moe_bytes = 0;
  for (size_t i = segment_.begin; i < segment_.end; ++i) {
    const Op& op = program_.ops[i];
    if (op.kind == OpKind::kv_write) {  // a head, rotated
      thread_floats_ = std::max(thread_floats_, size_t(program_.caches[op.as<ops::KvParams>().cache].head_dim));
    }
    if (op.kind == OpKind::attend) {
      const ops::CacheInfo& cache = program_.caches[op.as<ops::AttendParams>().cache];
      int group = op.as<ops::AttendParams>().heads / cache.kv_heads;
      thread_floats_ = std::max(thread_floats_, kernels::attend_scratch(group, cache.head_dim));
    }
    if (op.kind == OpKind::attend_spans) {
      int head_dim = program_[op.in[0]].shape.columns() / op.as<ops::SpanParams>().heads;
      thread_floats_ = std::max(thread_floats_, kernels::attend_spans_scratch(head_dim));
    }
    if (op.kind == OpKind::moe) {
      moe_bytes = std::max(moe_bytes, moe_layout(op).end);
      int widest = std::max(program_[op.in[0]].shape.columns(), program_[op.in[2]].shape[0]);
      thread_floats_ = std::max(thread_floats_, size_t(table_.tile_tokens) * widest);
    }
    if (op.kind == OpKind::linear_gated) {
      size_t values = size_t(split(op, weight(op.in[1])).rows_per_task) * kTokensPerTask;
      thread_floats_ = std::max(thread_floats_, values);
    }
    if (!ops::multiplies(op)) continue;
    const TensorInfo& x = program_[op.in[0]];
    for (size_t in = 1; in < (op.kind == OpKind::linear_gated ? 3 : 2); ++in) {
      Arithmetic arithmetic = arithmetic_of(weight(op.in[in]));
      size_t bytes = size_t(x.shape.rows()) * kernels::activation_bytes(arithmetic, x.shape.columns());
      auto which = static_cast<size_t>(arithmetic);
      tile_bytes[which] = std::max(tile_bytes[which], bytes);
    }
  }
  for (int i = 0; i < kernels::kArithmetics; ++i) tiles_[i] = scratch(tile_bytes[i]);
  moe_ = scratch(moe_bytes);
  thread_floats_ = (thread_floats_ + 15) / 16 * 16;
  per_thread_ = reinterpret_cast<float*>(scratch(thread_floats_ * sizeof(float) * options_.threads));
}

std::byte* OpCompiler::scratch(size_t bytes) {
  auto buffer = allocate_host(bytes);
  compiled_.keep.push_back(buffer);
  return buffer->host();
}

void OpCompiler::launch(std::function<int()> tasks, std::function<void(int, int)> run) {
  chain_ = nullptr;
  group_ = nullptr;
  compiled_.launches.push_back({std::move(tasks), std::move(run)});
}

void OpCompiler::launch_small(LiveRows live, std::function<int()> tasks, std::function<void(int, int)> run) {
  if (!chain_ || chain_->live.counter != live.counter || chain_->live.fixed != live.fixed) {
    auto chain = std::make_shared<Chain>();
    chain->live = live;
    compiled_.keep.push_back(chain);
    launch([live] { return live() <= kSmallRows ? std::min(live(), 1) : 0; },
           [this_chain = chain.get()](int, int thread) {
             for (const Launch& step : this_chain->steps) {
               for (int task = 0, count = step.tasks(); task < count; ++task) step.run(task, thread);
             }
           });
    chain_ = chain.get();
  }
  Chain* chain = chain_;
  chain->steps.push_back({tasks, run});
  launch([live, tasks] { return live() <= kSmallRows ? 0 : tasks(); }, std::move(run));
  chain_ = chain;
}

void OpCompiler::add(const Op& op) {
  switch (op.kind) {
    case OpKind::embed: return embed(op);
    case OpKind::features: return features(op);
    case OpKind::insert_features: return insert_features(op);
    case OpKind::linear: return linear(op);
    case OpKind::linear_where: return linear_where(op);
    case OpKind::rms_norm: return rms_norm(op);
    case OpKind::layer_norm: return layer_norm(op);
    case OpKind::add: return binary(op, table_.add);
    case OpKind::mul: return program_[op.in[1]].role == ops::Role::weight ? mul_by(op) : binary(op, table_.mul);
    case OpKind::scale: return scale(op);
    case OpKind::gated: return gated(op);
    case OpKind::act: return act(op);
    case OpKind::softcap: return softcap(op);
    case OpKind::rope: return rope(op);
    case OpKind::kv_write: return kv_write(op);
    case OpKind::attend: return attend(op);
    case OpKind::attend_spans: return attend_spans(op);
    case OpKind::pick_rows: return pick_rows(op);
    case OpKind::join_rows: return join_rows(op);
    case OpKind::mean_rows: return mean_rows(op);
    case OpKind::mix: return mix(op);
    case OpKind::moe: return moe(op);
    case OpKind::match_rms: return match_rms(op);
    case OpKind::cut_below: return cut_below(op);
    case OpKind::concat: return concat(op);
    case OpKind::slice: return slice(op);
    case OpKind::add_norm: return add_norm(op);
    case OpKind::linear_gated: return linear_gated(op);
  }
}

Compiled compile(const Segment& segment, const CompileOptions& options) {
  return OpCompiler(segment, options).compile();
}

}  // namespace troika::device::cpu
