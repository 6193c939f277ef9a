// Rotary embedding, the cache, attention.
#include "device/cpu/op_compiler.h"

#include <cmath>
#include <cstring>

namespace troika::device::cpu {

OpCompiler::Angles OpCompiler::angles(const std::shared_ptr<const ops::RopeTable>& table, int half) {
  auto [found, is_new] = angles_.try_emplace(table.get());
  Angles& to = found->second;
  if (!is_new) return to;
  size_t bytes = size_t(program_.tokens) * half * sizeof(float);
  to = {reinterpret_cast<float*>(scratch(bytes)), reinterpret_cast<float*>(scratch(bytes))};
  each_row({&inputs_.tokens, 0}, [=, this_table = table, &inputs = inputs_](int t) {
    for (int i = 0; i < half; ++i) {
      int position = inputs.rope_positions[this_table->axis_of(i)][t];
      float angle = static_cast<float>(position) * this_table->inverse_frequency[i];
      size_t at = size_t(t) * half + i;
      to.cosine[at] = static_cast<float>(std::cos(double{angle}) * this_table->amplitude);
      to.sine[at] = static_cast<float>(std::sin(double{angle}) * this_table->amplitude);
    }
  });
  return to;
}

void OpCompiler::rope(const Op& op) {
  const auto& p = op.as<ops::RopeParams>();
  Angles a = angles(p.table, p.head_dim / 2);
  each_row(rows(op.out[0]), [kernel = table_.rope, x = data(op.in[0]), out = data(op.out[0]), a, heads = p.heads,
                             dim = p.head_dim](int t) {
    size_t at = size_t(t) * heads * dim, angle = size_t(t) * (dim / 2);
    kernel(x + at, a.cosine + angle, a.sine + angle, out + at, heads, dim);
  });
}

void OpCompiler::kv_write(const Op& op) {
  int number = op.as<ops::KvParams>().cache;
  const ops::CacheInfo& c = program_.caches[number];
  const Cache& cache = segment_.caches[number];
  bool half = cache.format == Format::f16;
  size_t value_bytes = half ? 2 : 4;
  for (int i = 0; i < 2; ++i) {
    std::byte* to = (i == 0 ? cache.keys : cache.values)->host();
    each_row(rows(op.in[i]), [=, &inputs = inputs_, from = data(op.in[i]), to_f16 = table_.to_f16,
                              heads = size_t(c.kv_heads), dim = size_t(c.head_dim), group = c.group](int t) {
      int position = inputs.positions[t];
      size_t page = static_cast<size_t>(inputs.pages(t, group)[position / ops::kPageTokens]);
      for (size_t g = 0; g < heads; ++g) {
        size_t at = ((page * heads + g) * ops::kPageTokens + position % ops::kPageTokens) * dim;
        const float* x = from + (size_t(t) * heads + g) * dim;
        if (half) to_f16(x, reinterpret_cast<uint16_t*>(to) + at, dim);
        else std::memcpy(to + at * value_bytes, x, dim * value_bytes);
      }
    });
  }
}

void OpCompiler::attend(const Op& op) {
  const auto& p = op.as<ops::AttendParams>();
  const ops::CacheInfo& c = program_.caches[p.cache];
  const Cache& cache = segment_.caches[p.cache];
  static_assert(ops::kPageTokens <= kernels::kMaxPageTokens);
  kernels::AttendArgs args{};
  args.heads = p.heads / c.kv_heads;
  args.head_dim = c.head_dim;
  args.keys = cache.keys->host();
  args.values = cache.values->host();
  args.half = cache.format == Format::f16;
  args.kv_heads = c.kv_heads;
  args.page_tokens = ops::kPageTokens;
  args.scale = p.scale;
  args.softcap = p.softcap;
  LiveRows live = rows(op.out[0]);
  launch([=] { return live() * args.kv_heads; },
         [=, &inputs = inputs_, q = data(op.in[0]), out = data(op.out[0]), kernel = table_.attend,
          window = p.window, group = c.group, scratch = per_thread_, stride = thread_floats_](int task, int thread) {
           int t = task / args.kv_heads;
           kernels::AttendArgs a = args;
           a.kv_head = task % args.kv_heads;
           size_t at = size_t(task) * args.heads * args.head_dim;
           a.q = q + at;
           a.out = out + at;
           a.pages = inputs.pages(t, group);
           a.first = window > 0 ? std::max(0, inputs.positions[t] - window + 1) : 0;
           a.first = std::min(a.first, inputs.run_first[t]);
           a.last = inputs.run_last[t];
           a.scratch = scratch + thread * stride;
           kernel(a);
         });
}

// A task: one head of kSpanQueries rows, in stretches that share a span.
void OpCompiler::attend_spans(const Op& op) {
  const auto& p = op.as<ops::SpanParams>();
  size_t q_stride = static_cast<size_t>(program_[op.in[0]].shape.columns());
  kernels::AttendSpansArgs args{};
  args.q_stride = q_stride;
  args.kv_stride = static_cast<size_t>(program_[op.in[1]].shape.columns());
  args.head_dim = static_cast<int>(q_stride) / p.heads;
  args.scale = p.scale;
  LiveRows live = rows(op.out[0]);
  launch([=] { return pieces(live(), kernels::kSpanQueries) * p.heads; },
         [=, &spans = inputs_.spans[size_t(p.kind)], q = data(op.in[0]), k = data(op.in[1]), v = data(op.in[2]),
          out = data(op.out[0]), kernel = table_.attend_spans, scratch = per_thread_,
          stride = thread_floats_](int task, int thread) {
           int head = task % p.heads, first = task / p.heads * kernels::kSpanQueries;
           int end = std::min(first + kernels::kSpanQueries, live());
           size_t q_head = size_t(head) * args.head_dim, kv_head = size_t(head / (p.heads / p.kv_heads)) * args.head_dim;
           kernels::AttendSpansArgs a = args;
           a.scratch = scratch + thread * stride;
           for (int t = first; t < end; t += a.queries) {
             a.queries = 1;
             while (t + a.queries < end && spans.begin[t + a.queries] == spans.begin[t] &&
                    spans.end[t + a.queries] == spans.end[t]) {
               ++a.queries;
             }
             a.q = q + t * q_stride + q_head;
             a.out = out + t * q_stride + q_head;
             a.k = k + spans.begin[t] * a.kv_stride + kv_head;
             a.v = v + spans.begin[t] * a.kv_stride + kv_head;
             a.keys = spans.end[t] - spans.begin[t];
             kernel(a);
           }
         });
}

}  // namespace troika::device::cpu
