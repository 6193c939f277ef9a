// Rotary embedding, the cache, attention.
#include "device/cpu/op_compiler.h"

#include <array>
#include <cmath>

#include "tensor/rotation.h"

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

// A task: keys or values of one head, of as many tokens as a page holds: neighbours in a page share cache lines.
void OpCompiler::kv_write(const Op& op) {
  int number = op.as<ops::KvParams>().cache;
  const ops::CacheInfo& c = program_.caches[number];
  const Cache& cache = segment_.caches[number];
  check(c.head_dim % info(cache.format).block_values == 0, "a head's D values fill whole blocks of the cache");
  size_t page_bytes = cache_page_bytes(c, cache.format), head_bytes = page_bytes / c.kv_heads;
  LiveRows live = rows(op.in[0]);
  launch_small(live, [=, heads = c.kv_heads] { return pieces(live(), ops::kPageTokens) * heads * 2; },
         [=, &inputs = inputs_, from = std::array{data(op.in[0]), data(op.in[1])}, table = &table_,
          to = std::array{cache.keys->host(), cache.values->host()}, format = cache.format,
          together = rotation(cache.format, c.head_dim), scratch = per_thread_,
          stride = thread_floats_](int task, int thread) {
           int side = task % 2, g = task / 2 % c.kv_heads, first = task / 2 / c.kv_heads * ops::kPageTokens;
           auto write = side == 0 ? table->write_key : table->write_value;
           for (int t = first; t < std::min(first + ops::kPageTokens, inputs.tokens); ++t) {
             int position = inputs.positions[t];
             size_t page = static_cast<size_t>(inputs.pages(t, c.group)[position / ops::kPageTokens]);
             const float* x = from[side] + (size_t(t) * c.kv_heads + g) * c.head_dim;
             if (together > 0) {
               float* rotated = scratch + thread * stride;
               table->rotate(x, rotated, c.head_dim, together);
               x = rotated;
             }
             write(format, x, c.head_dim, position % ops::kPageTokens, to[side] + page * page_bytes + g * head_bytes);
           }
         });
}

AttendPlan::Sizes OpCompiler::attend_sizes(const Op& op) const {
  const auto& p = op.as<ops::AttendParams>();
  const ops::CacheInfo& c = program_.caches[p.cache];
  int heads = p.heads / c.kv_heads;
  AttendPlan::Sizes sizes{.tokens = program_.tokens,
                          .tile_tokens = kernels::attend_tokens(heads),
                          .window = p.window,
                          .kv_heads = c.kv_heads,
                          .threads = options_.threads,
                          .context = inputs_.pages_per_sequence * ops::kPageTokens,
                          .row_floats = heads * kernels::attend_partial(c.head_dim),
                          .floats = 0};
  sizes.floats = AttendPlan::wanted_floats(sizes);
  return sizes;
}

// One op's chunks at a time.
float* OpCompiler::partials() {
  if (partials_) return partials_;
  size_t floats = 0;
  for (size_t i = segment_.begin; i < segment_.end; ++i) {
    if (program_.ops[i].kind == OpKind::attend) floats = std::max(floats, attend_sizes(program_.ops[i]).floats);
  }
  return partials_ = reinterpret_cast<float*>(scratch(floats * sizeof(float)));
}

void OpCompiler::attend(const Op& op) {
  const auto& p = op.as<ops::AttendParams>();
  const ops::CacheInfo& c = program_.caches[p.cache];
  const Cache& cache = segment_.caches[p.cache];
  static_assert(ops::kPageTokens == kernels::kCachePage);
  int heads = p.heads / c.kv_heads;
  size_t page_bytes = cache_page_bytes(c, cache.format);
  kernels::AttendArgs all{.q = data(op.in[0]),
                          .out = data(op.out[0]),
                          .token_stride = size_t(p.heads) * c.head_dim,
                          .tokens = 0,
                          .heads = heads,
                          .head_dim = c.head_dim,
                          .cache = cache.format,
                          .rotation = rotation(cache.format, c.head_dim),
                          .keys = cache.keys->host(),
                          .values = cache.values->host(),
                          .page_stride = page_bytes,
                          .page_bytes = page_bytes / c.kv_heads,
                          .pages = nullptr,
                          .first = nullptr,
                          .last = nullptr,
                          .scale = p.scale,
                          .softcap = p.softcap,
                          .chunk_begin = 0,
                          .chunk_end = 0,
                          .partials = nullptr,
                          .scratch = nullptr};
  auto plan = std::make_shared<AttendPlan>(attend_sizes(op));
  auto args_of = [=, &inputs = inputs_, scratch = per_thread_, stride = thread_floats_](int number, int g, int thread) {
    const AttendPlan::Tile& tile = plan->tiles()[number];
    kernels::AttendArgs args = all;
    size_t at = size_t(tile.token) * args.token_stride + size_t(g) * args.heads * args.head_dim;
    args.q += at;
    args.out += at;
    args.tokens = tile.tokens;
    args.keys += g * args.page_bytes;
    args.values += g * args.page_bytes;
    args.pages = inputs.pages(tile.token, c.group);
    args.first = plan->first(tile.token);
    args.last = plan->last(tile.token);
    args.chunk_begin = tile.chunk_begin;
    args.chunk_end = tile.chunk_end;
    args.scratch = scratch + thread * stride;
    return args;
  };
  launch([=, &inputs = inputs_] {
           plan->make(inputs);
           return int(plan->tasks().size()) * c.kv_heads;
         },
         [=, kernel = table_.attend, partials = partials()](int number, int thread) {
           AttendPlan::Task task = plan->tasks()[number / c.kv_heads];
           int g = number % c.kv_heads;
           kernels::AttendArgs args = args_of(task.tile, g, thread);
           if (task.chunk >= 0) {
             args.chunk_begin = task.chunk;
             args.chunk_end = task.chunk + 1;
             args.partials = partials + plan->partials(plan->tiles()[task.tile], g, task.chunk);
           }
           kernel(args);
         });
  if (attend_sizes(op).floats == 0) return;  // never split
  launch([=] { return int(plan->split_tiles().size()) * c.kv_heads; },
         [=, kernel = table_.attend_join, partials = partials()](int number, int thread) {
           int tile = plan->split_tiles()[number / c.kv_heads], g = number % c.kv_heads;
           kernels::AttendArgs args = args_of(tile, g, thread);
           args.partials = partials + plan->partials(plan->tiles()[tile], g, args.chunk_begin);
           kernel(args);
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
