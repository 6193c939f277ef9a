#include "device/cpu/compiler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>

#include "base/error.h"
#include "device/cpu/routing.h"
#include "device/host_memory.h"

namespace troika::device::cpu {
namespace {

using kernels::KernelTable;
using kernels::LinearArgs;
using kernels::LinearKernel;
using ops::Op;
using ops::OpKind;
using ops::Tensor;
using ops::TensorInfo;

constexpr int kTokensPerTask = 96;           // a multiple of the widest tiles, 6 and 8 tokens
constexpr size_t kWeightsPerTask = 256 << 10;  // bytes: they stay in the core's own cache for all its tokens
constexpr size_t kValuesPerTask = 4096;      // of element-wise ops
constexpr int kRowsAhead = 4;                // of linear_where, whose rows lie too far apart for the hardware to foresee

int pieces(int64_t whole, int64_t part) { return static_cast<int>((whole + part - 1) / part); }

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

// How many rows of a tensor are live, read when the step runs.
struct LiveRows {
  const int* counter;  // in StepInputs, or null
  int fixed;
  int operator()() const { return counter ? *counter : fixed; }
};

// The work of a linear op cut into tasks: pieces of weight rows × pieces of tokens.
struct LinearSplit {
  int weight_rows, rows_per_task;
  int tasks(int tokens) const { return pieces(weight_rows, rows_per_task) * pieces(tokens, kTokensPerTask); }
  struct Piece {
    int row, rows, token, tokens;
  };
  // Tasks that follow each other share weight rows, so that these come from memory once.
  Piece piece(int task, int tokens) const {
    int columns = pieces(tokens, kTokensPerTask);
    int row = task / columns * rows_per_task, token = task % columns * kTokensPerTask;
    return {row, std::min(rows_per_task, weight_rows - row), token, std::min(kTokensPerTask, tokens - token)};
  }
};

class Compiler {
 public:
  Compiler(const Segment& segment, const CompileOptions& options)
      : segment_(segment), program_(*segment.program), inputs_(*segment.inputs), options_(options),
        table_(*options.kernels) {
    check(segment.begin <= segment.end && segment.end <= program_.ops.size(), "a segment lies in its program");
    check(segment.arena && segment.arena->host(), "the CPU sees its arena");
    compiled_.keep.push_back(segment.arena);
    for (const Cache& cache : segment.caches) {
      if (cache.format != Format::f16 && cache.format != Format::f32) {
        fail("the CPU keeps keys and values in f16 or f32, not in {}", info(cache.format).name);
      }
      compiled_.keep.push_back(cache.keys);
      compiled_.keep.push_back(cache.values);
    }
  }

  Compiled compile() {
    size_scratch();
    for (size_t i = segment_.begin; i < segment_.end; ++i) add(program_.ops[i]);
    return std::move(compiled_);
  }

 private:
  // --- what ops point at

  float* data(Tensor t) const {
    const TensorInfo& tensor = program_[t];
    check(tensor.role == ops::Role::activation, "activations lie in the arena");
    size_t offset = segment_.offsets[t.id];
    check(offset + size_t(tensor.shape.values()) * sizeof(float) <= segment_.arena->size(), "arena size");
    return reinterpret_cast<float*>(segment_.arena->host() + offset);
  }

  const CpuWeight& weight(Tensor t) {
    auto found = std::dynamic_pointer_cast<CpuWeight>(segment_.weights[t.id]);
    check(found != nullptr, "the CPU prepared the weight");
    check(found->view.shape == program_[t].shape, "a weight has its program's shape");
    compiled_.keep.push_back(found);
    return *found;
  }

  const float* vector(Tensor t) {
    const CpuWeight& w = weight(t);
    check(!w.floats.empty(), "vectors are kept in float32");
    return w.floats.data();
  }

  LiveRows rows(Tensor t) const {
    const TensorInfo& tensor = program_[t];
    switch (tensor.extent) {
      case ops::Extent::fixed: break;
      case ops::Extent::tokens: return {&inputs_.tokens, 0};
      case ops::Extent::outputs: return {&inputs_.outputs, 0};
    }
    return {nullptr, static_cast<int>(tensor.shape.rows())};
  }

  // --- scratch memory, sized before the first op is compiled

  bool uses_int8(const CpuWeight& w) const {
    return !options_.float32 && table_.find(w.format).int8 != nullptr;
  }

  void size_scratch() {
    size_t quantised_bytes = 0, moe_bytes = 0;
    for (size_t i = segment_.begin; i < segment_.end; ++i) {
      const Op& op = program_.ops[i];
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
        const TensorInfo& x = program_[op.in[0]];
        quantised_bytes = std::max(quantised_bytes,
                                   size_t(x.shape.rows()) * kernels::quantised_row_bytes(x.shape.columns()));
      }
      if (op.kind == OpKind::linear_gated) {
        size_t values = size_t(split(op, weight(op.in[1])).rows_per_task) * kTokensPerTask;
        thread_floats_ = std::max(thread_floats_, values);
      }
      if (op.kind != OpKind::linear && op.kind != OpKind::linear_where && op.kind != OpKind::linear_gated) continue;
      const TensorInfo& x = program_[op.in[0]];
      for (size_t in = 1; in < op.in.size() && in < (op.kind == OpKind::linear_gated ? 3 : 2); ++in) {
        if (!uses_int8(weight(op.in[in]))) continue;
        quantised_bytes = std::max(quantised_bytes,
                                   size_t(x.shape.rows()) * kernels::quantised_row_bytes(x.shape.columns()));
      }
    }
    quantised_ = scratch(quantised_bytes);
    moe_ = scratch(moe_bytes);
    thread_floats_ = (thread_floats_ + 15) / 16 * 16;
    per_thread_ = reinterpret_cast<float*>(scratch(thread_floats_ * sizeof(float) * options_.threads));
  }

  std::byte* scratch(size_t bytes) {
    auto buffer = allocate_host(bytes);
    compiled_.keep.push_back(buffer);
    return buffer->host();
  }

  // --- launches

  void launch(std::function<int()> tasks, std::function<void(int, int)> run) {
    compiled_.launches.push_back({std::move(tasks), std::move(run)});
  }

  // One task per live row.
  template <typename Run>
  void each_row(LiveRows live, Run run) {
    launch(live, [run](int row, int) { run(row); });
  }

  // Tasks of kValuesPerTask values; run(first, count)
  template <typename Run>
  void each_piece(Tensor out, Run run) {
    LiveRows live = rows(out);
    size_t columns = static_cast<size_t>(program_[out].shape.columns());
    launch([=] { return pieces(int64_t(live()) * int64_t(columns), kValuesPerTask); },
           [=](int task, int) {
             size_t first = size_t(task) * kValuesPerTask;
             run(first, std::min(kValuesPerTask, size_t(live()) * columns - first));
           });
  }

  void add(const Op& op) {
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

  void embed(const Op& op) {
    const CpuWeight& w = weight(op.in[0]);
    const FormatInfo& format = info(w.format);
    size_t width = static_cast<size_t>(program_[op.out[0]].shape.columns());
    size_t stride = row_bytes(w.format, static_cast<int64_t>(width));
    float* out = data(op.out[0]);
    each_row(rows(op.out[0]), [=, &inputs = inputs_, unpack = format.unpack, table = w.data,
                               entries = w.view.shape[0]](int t) {
      int32_t id = inputs.token_ids[t];
      unpack(table + (id < entries ? id : 0) * stride, std::span(out + t * width, width));
    });
  }

  void features(const Op& op) {
    size_t width = static_cast<size_t>(program_[op.out[0]].shape.columns());
    each_row(rows(op.out[0]), [=, &inputs = inputs_, out = data(op.out[0])](int t) {
      std::memcpy(out + t * width, inputs.features.data() + t * width, width * sizeof(float));
    });
  }

  void insert_features(const Op& op) {
    size_t width = static_cast<size_t>(program_[op.out[0]].shape.columns());
    each_row(rows(op.out[0]), [=, &inputs = inputs_, x = data(op.in[0]), out = data(op.out[0])](int t) {
      int32_t row = inputs.feature_rows[t];
      const float* from = row >= 0 ? inputs.features.data() + row * width : x + t * width;
      std::memcpy(out + t * width, from, width * sizeof(float));
    });
  }

  // What linear ops multiply with: float32 rows, or their quantised copy, which stays valid until a linear op
  // reads another tensor.
  struct Activations {
    const std::byte* rows;
    size_t stride;
    bool int8;
  };

  Activations activations(Tensor x, bool int8) {
    int depth = program_[x].shape.columns();
    if (!int8) return {reinterpret_cast<const std::byte*>(data(x)), depth * sizeof(float), false};
    size_t stride = kernels::quantised_row_bytes(depth);
    if (quantised_tensor_ != int64_t{x.id}) {
      quantised_tensor_ = x.id;
      each_row(rows(x), [=, from = data(x), to = quantised_, quantise = table_.quantise](int row) {
        quantise(from + size_t(row) * depth, 1, depth, to + row * stride, stride);
      });
    }
    return {quantised_, stride, true};
  }

  // Everything but the piece of work. The weight may have more columns than the op reads, and begin at a later row.
  LinearArgs linear_args(const Op& op, const CpuWeight& w, Activations x, int first = 0,
                         const float* bias = nullptr) const {
    int depth = program_[op.in[0]].shape.columns();
    check(depth == w.view.shape[1] || depth % info(w.format).block_values == 0, "a weight is cut between its blocks");
    size_t stride = row_bytes(w.format, w.view.shape[1]);
    return {.x = x.rows, .x_stride = x.stride, .tokens = 0, .depth = depth, .weight = w.data + size_t(first) * stride,
            .weight_stride = stride, .rows = 0, .bias = bias, .out = data(op.out[0]),
            .out_stride = static_cast<size_t>(program_[op.out[0]].shape.columns()), .format = &info(w.format)};
  }

  LinearKernel linear_kernel(const CpuWeight& w, bool int8) const {
    const kernels::FormatKernels& format = table_.find(w.format);
    return int8 ? format.int8 : format.float32;
  }

  static LinearArgs narrowed(LinearArgs args, LinearSplit::Piece piece) {
    args.x += piece.token * args.x_stride;
    args.tokens = piece.tokens;
    args.weight += piece.row * args.weight_stride;
    args.rows = piece.rows;
    if (args.bias) args.bias += piece.row;
    args.out += piece.token * args.out_stride + piece.row;
    return args;
  }

  // Many tasks per thread even out what else happens on the machine; 16 rows at least keep reads long.
  LinearSplit split(const Op& op, const CpuWeight& w) const {
    int out = program_[op.out[0]].shape.columns();
    int share = pieces(out, options_.threads * 8);
    int cached = static_cast<int>(kWeightsPerTask / row_bytes(w.format, w.view.shape[1]));
    if (program_[op.in[0]].shape[0] <= 8) cached = 512;  // read once: nothing to keep
    int rows_per_task = std::max(16, std::min(share, cached) / 16 * 16);
    return {out, rows_per_task};
  }

  void linear(const Op& op) {
    const CpuWeight& w = weight(op.in[1]);
    const float* bias = op.in.size() > 2 ? vector(op.in[2]) : nullptr;
    bool int8 = uses_int8(w);
    LinearArgs args = linear_args(op, w, activations(op.in[0], int8), op.as<ops::LinearParams>().first, bias);
    LinearSplit work = split(op, w);
    LiveRows live = rows(op.out[0]);
    launch([=] { return work.tasks(live()); },
           [=, kernel = linear_kernel(w, int8)](int task, int) { kernel(narrowed(args, work.piece(task, live()))); });
  }

  // Row by row of the weight, for the tokens whose gate wants it: what nobody wants is not read. A row of a product
  // has the same bits whatever is computed with it, so the result is that of the whole product.
  void linear_where(const Op& op) {
    const CpuWeight& w = weight(op.in[1]);
    bool int8 = uses_int8(w);
    LinearArgs args = linear_args(op, w, activations(op.in[0], int8), op.as<ops::LinearParams>().first);
    LinearSplit work = split(op, w);
    LiveRows live = rows(op.out[0]);
    launch([=] { return work.tasks(live()); },
           [=, kernel = linear_kernel(w, int8), gates = data(op.in[2])](int task, int) {
             LinearSplit::Piece piece = work.piece(task, live());
             LinearArgs all = narrowed(args, piece);
             const float* gate = gates + piece.token * all.out_stride + piece.row;
             size_t bytes = row_bytes(args.format->format, all.depth);
             for (int row = 0, ahead = 0, asked = 0; row < piece.rows; ++row) {
               for (; ahead < piece.rows && asked < kRowsAhead; ++ahead) {
                 if (!is_wanted(all, gate + ahead)) continue;
                 for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch(all.weight + ahead * all.weight_stride + at);
                 ++asked;
               }
               asked -= is_wanted(all, gate + row);
               wanted_tokens(kernel, all, row, gate + row);
             }
           });
  }

  static bool is_wanted(const LinearArgs& all, const float* gate) {
    for (int t = 0; t < all.tokens; ++t) {
      if (gate[t * all.out_stride] != 0) return true;
    }
    return false;
  }

  // One weight row: stretches of tokens with a gate are multiplied, the others get 0.
  static void wanted_tokens(LinearKernel kernel, const LinearArgs& all, int row, const float* gate) {
    auto wants = [&](int t) { return gate[t * all.out_stride] != 0; };
    for (int t = 0; t < all.tokens;) {
      int end = t;
      while (end < all.tokens && wants(end)) ++end;
      if (end > t) kernel(narrowed(all, {.row = row, .rows = 1, .token = t, .tokens = end - t}));
      for (t = end; t < all.tokens && !wants(t); ++t) all.out[t * all.out_stride + row] = 0;
    }
  }

  // A task multiplies with its rows of both weights: gate into the output, up into the thread's scratch.
  void linear_gated(const Op& op) {
    const CpuWeight& gate = weight(op.in[1]);
    const CpuWeight& up = weight(op.in[2]);
    Activations gate_x = activations(op.in[0], uses_int8(gate));
    Activations up_x = activations(op.in[0], uses_int8(up));
    LinearArgs gate_args = linear_args(op, gate, gate_x), up_args = linear_args(op, up, up_x);
    LinearSplit work = split(op, gate);
    LiveRows live = rows(op.out[0]);
    launch([=] { return work.tasks(live()); },
           [=, this_table = &table_, gate_kernel = linear_kernel(gate, gate_x.int8),
            up_kernel = linear_kernel(up, up_x.int8), kind = unary_of(op.as<ops::ActParams>().act),
            scratch = per_thread_, stride = thread_floats_](int task, int thread) {
             LinearSplit::Piece piece = work.piece(task, live());
             LinearArgs a = narrowed(gate_args, piece);
             gate_kernel(a);
             LinearArgs b = narrowed(up_args, piece);
             b.out = scratch + thread * stride;
             b.out_stride = static_cast<size_t>(piece.rows);
             up_kernel(b);
             for (int t = 0; t < piece.tokens; ++t) {
               float* out = a.out + t * a.out_stride;
               this_table->gated(kind, out, b.out + t * b.out_stride, out, b.out_stride);
             }
           });
  }

  // What a moe op works on, as offsets into moe_: rows in the order of the slots.
  struct MoeLayout {
    size_t x = 0, x_int8 = 0, hidden = 0, up = 0, hidden_int8 = 0, out = 0, end = 0;
    bool floats = false, int8 = false;  // which of the two forms of x some expert reads
    bool hidden_quantised = false;
  };

  MoeLayout moe_layout(const Op& op) {
    MoeLayout l;
    for (size_t in = 2; in < op.in.size(); ++in) {
      bool int8 = uses_int8(weight(op.in[in]));
      if ((in - 2) % 3 == 2) l.hidden_quantised |= int8;
      else (int8 ? l.int8 : l.floats) = true;
    }
    size_t slots = size_t(program_[op.in[0]].shape[0]) * op.as<ops::MoeParams>().used;
    int depth = program_[op.in[0]].shape.columns(), width = program_[op.in[2]].shape[0];
    auto take = [&](size_t& at, bool wanted, size_t row) {
      at = l.end;
      if (wanted) l.end += (slots * row + 63) / 64 * 64;
    };
    take(l.x, l.floats, depth * sizeof(float));
    take(l.x_int8, l.int8, kernels::quantised_row_bytes(depth));
    take(l.hidden, true, width * sizeof(float));
    take(l.up, true, width * sizeof(float));
    take(l.hidden_int8, l.hidden_quantised, kernels::quantised_row_bytes(width));
    take(l.out, true, depth * sizeof(float));
    return l;
  }

  // One expert's matrix; x and out are those of slot 0.
  struct ExpertLinear {
    LinearKernel kernel;
    LinearArgs args;

    void run(const Routing::Group& group, int row, int rows) const {
      LinearArgs a = args;
      a.x += group.first * a.x_stride;
      a.weight += row * a.weight_stride;
      a.rows = rows;
      a.out += group.first * a.out_stride + row;
      for (int done = 0; done < group.count; done += a.tokens) {
        a.tokens = std::min(kTokensPerTask, group.count - done);
        kernel(a);
        a.x += a.tokens * a.x_stride;
        a.out += a.tokens * a.out_stride;
      }
    }
  };

  ExpertLinear expert_linear(Tensor matrix, size_t x_floats, size_t x_int8, size_t out) {
    const CpuWeight& w = weight(matrix);
    int depth = w.view.shape[1];
    bool int8 = uses_int8(w);
    return {linear_kernel(w, int8),
            {.x = moe_ + (int8 ? x_int8 : x_floats),
             .x_stride = int8 ? kernels::quantised_row_bytes(depth) : depth * sizeof(float), .tokens = 0, .depth = depth,
             .weight = w.data, .weight_stride = row_bytes(w.format, depth), .rows = 0, .bias = nullptr,
             .out = reinterpret_cast<float*>(moe_ + out), .out_stride = static_cast<size_t>(w.view.shape[0]),
             .format = &info(w.format)}};
  }

  // Rows of an expert's matrix that a task takes: enough tasks for all threads when few experts are at work.
  int expert_rows(const Op& op, int rows, size_t weight_row) const {
    int share = pieces(int64_t{rows} * op.as<ops::MoeParams>().used, options_.threads * 8);
    int cached = static_cast<int>(kWeightsPerTask / weight_row);
    return std::max(16, std::min({rows, share, cached}) / 16 * 16);
  }

  void moe(const Op& op) {
    const auto& p = op.as<ops::MoeParams>();
    MoeLayout l = moe_layout(op);
    size_t depth = program_[op.in[0]].shape.columns(), width = program_[op.in[2]].shape[0];
    int experts = program_[op.in[1]].shape.columns(), used = p.used;
    LiveRows live = rows(op.out[0]);

    auto routing = std::make_shared<Routing>(program_[op.in[0]].shape[0], experts, used, p.normalise);
    compiled_.keep.push_back(routing);
    Routing* r = routing.get();
    each_row(live, [=, router = data(op.in[1])](int t) { r->choose(t, router + size_t(t) * experts); });
    launch([] { return 1; }, [=](int, int) { r->group(live()); });

    // Rows come to lie by expert.
    auto gather = [&](bool int8, size_t to) {
      Activations x = activations(op.in[0], int8);
      size_t row = int8 ? x.stride : depth * sizeof(float);
      launch([=] { return r->slots(); }, [=, to = moe_ + to](int slot, int) {
        std::memcpy(to + slot * row, x.rows + r->row_of(slot) * x.stride, row);
      });
    };
    if (l.floats) gather(false, l.x);
    if (l.int8) gather(true, l.x_int8);

    struct Expert {
      ExpertLinear gate, up, down;
    };
    auto all = std::make_shared<std::vector<Expert>>();
    compiled_.keep.push_back(all);
    for (int e = 0; e < experts; ++e) {
      size_t in = 2 + 3 * size_t(e);
      all->push_back({expert_linear(op.in[in], l.x, l.x_int8, l.hidden),
                      expert_linear(op.in[in + 1], l.x, l.x_int8, l.up),
                      expert_linear(op.in[in + 2], l.hidden, l.hidden_int8, l.out)});
    }
    const Expert* expert = all->data();
    float* hidden = reinterpret_cast<float*>(moe_ + l.hidden);
    const float* up = reinterpret_cast<const float*>(moe_ + l.up);

    int inner_rows = expert_rows(op, int(width), expert->gate.args.weight_stride), inner = pieces(width, inner_rows);
    launch([=] { return r->groups() * inner; },
           [=, gated = table_.gated, kind = unary_of(p.act)](int task, int) {
             const Routing::Group& group = r->group_at(task / inner);
             int row = task % inner * inner_rows, count = std::min(inner_rows, int(width) - row);
             expert[group.expert].gate.run(group, row, count);
             expert[group.expert].up.run(group, row, count);
             for (int slot = group.first; slot < group.first + group.count; ++slot) {
               size_t at = slot * width + row;
               gated(kind, hidden + at, up + at, hidden + at, count);
             }
           });
    if (l.hidden_quantised) {
      size_t stride = kernels::quantised_row_bytes(int(width));
      launch([=] { return r->slots(); },
             [=, quantise = table_.quantise, to = moe_ + l.hidden_int8](int slot, int) {
               quantise(hidden + slot * width, 1, int(width), to + slot * stride, stride);
             });
    }
    int outer_rows = expert_rows(op, int(depth), expert->down.args.weight_stride), outer = pieces(depth, outer_rows);
    launch([=] { return r->groups() * outer; },
           [=](int task, int) {
             const Routing::Group& group = r->group_at(task / outer);
             int row = task % outer * outer_rows;
             expert[group.expert].down.run(group, row, std::min(outer_rows, int(depth) - row));
           });
    each_row(live, [=, mix = table_.mix, from = reinterpret_cast<const float*>(moe_ + l.out),
                    out = data(op.out[0])](int t) {
      std::array<const float*, ops::kMostExpertsUsed> parts{};
      for (int i = 0; i < used; ++i) parts[i] = from + r->slot_of(t, i) * depth;
      mix(r->shares(t), parts.data(), used, out + t * depth, depth);
    });
  }

  void rms_norm(const Op& op) {
    auto [epsilon, width] = op.as<ops::NormParams>();
    int columns = program_[op.out[0]].shape.columns();
    each_row(rows(op.out[0]),
             [=, norm = table_.rms_norm, x = data(op.in[0]), w = op.in.size() > 1 ? vector(op.in[1]) : nullptr,
              out = data(op.out[0]), width = width, epsilon = epsilon](int row) {
               size_t at = size_t(row) * columns;
               norm(x + at, w, out + at, columns / width, width, epsilon);
             });
  }

  void layer_norm(const Op& op) {
    each_row(rows(op.out[0]),
             [norm = table_.layer_norm, x = data(op.in[0]), w = vector(op.in[1]), b = vector(op.in[2]),
              out = data(op.out[0]), n = program_[op.out[0]].shape.columns(),
              epsilon = op.as<ops::NormParams>().epsilon](int row) {
               norm(x + size_t(row) * n, w, b, out + size_t(row) * n, 1, n, epsilon);
             });
  }

  void add_norm(const Op& op) {
    each_row(rows(op.out[0]),
             [norm = table_.add_norm, a = data(op.in[0]), b = data(op.in[1]), w = vector(op.in[2]),
              sum = data(op.out[0]), normed = data(op.out[1]), n = program_[op.out[0]].shape.columns(),
              epsilon = op.as<ops::NormParams>().epsilon](int row) {
               size_t at = size_t(row) * n;
               norm(a + at, b + at, w, sum + at, normed + at, 1, n, epsilon);
             });
  }

  void mix(const Op& op) {
    constexpr size_t kMost = 8;
    check(op.in.size() <= kMost + 1, "mix takes a few tensors");
    std::array<const float*, kMost> from{};
    for (size_t j = 1; j < op.in.size(); ++j) from[j - 1] = data(op.in[j]);
    int columns = program_[op.in[0]].shape.columns();
    each_row(rows(op.out[0]),
             [=, kernel = table_.mix, w = data(op.in[0]) + op.as<ops::MixParams>().first, out = data(op.out[0]),
              count = int(op.in.size()) - 1, n = size_t(program_[op.out[0]].shape.columns())](int row) {
               std::array<const float*, kMost> x{};
               for (int j = 0; j < count; ++j) x[j] = from[j] + row * n;
               kernel(w + size_t(row) * columns, x.data(), count, out + row * n, n);
             });
  }

  void match_rms(const Op& op) {
    each_row(rows(op.out[0]),
             [kernel = table_.match_rms, x = data(op.in[0]), like = data(op.in[1]), out = data(op.out[0]),
              n = program_[op.out[0]].shape.columns(), floor = op.as<ops::MatchParams>().floor](int row) {
               size_t at = size_t(row) * n;
               kernel(x + at, like + at, out + at, n, floor);
             });
  }

  void cut_below(const Op& op) {
    each_row(rows(op.out[0]),
             [kernel = table_.cut_below, x = data(op.in[0]), out = data(op.out[0]),
              n = program_[op.out[0]].shape.columns(), deviations = op.as<ops::CutParams>().deviations](int row) {
               size_t at = size_t(row) * n;
               kernel(x + at, out + at, n, deviations);
             });
  }

  void binary(const Op& op, void (*kernel)(const float*, const float*, float*, size_t) noexcept) {
    each_piece(op.out[0], [=, a = data(op.in[0]), b = data(op.in[1]), out = data(op.out[0])](size_t i, size_t n) {
      kernel(a + i, b + i, out + i, n);
    });
  }

  void mul_by(const Op& op) {
    each_row(rows(op.out[0]), [kernel = table_.mul, x = data(op.in[0]), w = vector(op.in[1]), out = data(op.out[0]),
                               n = size_t(program_[op.out[0]].shape.columns())](int row) {
      kernel(x + row * n, w, out + row * n, n);
    });
  }

  void scale(const Op& op) {
    each_piece(op.out[0], [kernel = table_.scale, x = data(op.in[0]), out = data(op.out[0]),
                           factor = op.as<ops::ScaleParams>().factor](size_t i, size_t n) {
      kernel(x + i, factor, out + i, n);
    });
  }

  void softcap(const Op& op) {
    each_piece(op.out[0], [kernel = table_.softcap, x = data(op.in[0]), out = data(op.out[0]),
                           cap = op.as<ops::SoftcapParams>().cap](size_t i, size_t n) {
      kernel(x + i, cap, out + i, n);
    });
  }

  void act(const Op& op) {
    each_piece(op.out[0], [kernel = table_.unary, x = data(op.in[0]), out = data(op.out[0]),
                           kind = unary_of(op.as<ops::ActParams>().act)](size_t i, size_t n) {
      kernel(kind, x + i, out + i, n);
    });
  }

  void gated(const Op& op) {
    each_piece(op.out[0], [kernel = table_.gated, gate = data(op.in[0]), up = data(op.in[1]), out = data(op.out[0]),
                           kind = unary_of(op.as<ops::ActParams>().act)](size_t i, size_t n) {
      kernel(kind, gate + i, up + i, out + i, n);
    });
  }

  // Cosines and sines of the step's tokens, [T, D/2] each: once per step and table.
  struct Angles {
    float *cosine, *sine;
  };

  Angles angles(const std::shared_ptr<const ops::RopeTable>& table, int half) {
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

  void rope(const Op& op) {
    const auto& p = op.as<ops::RopeParams>();
    Angles a = angles(p.table, p.head_dim / 2);
    each_row(rows(op.out[0]), [kernel = table_.rope, x = data(op.in[0]), out = data(op.out[0]), a, heads = p.heads,
                               dim = p.head_dim](int t) {
      size_t at = size_t(t) * heads * dim, angle = size_t(t) * (dim / 2);
      kernel(x + at, a.cosine + angle, a.sine + angle, out + at, heads, dim);
    });
  }

  void kv_write(const Op& op) {
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

  void attend(const Op& op) {
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
  void attend_spans(const Op& op) {
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

  // Rows that follow each other lie together already.
  void join_rows(const Op& op) {
    size_t width = static_cast<size_t>(program_[op.out[0]].shape.columns());
    each_row(rows(op.out[0]), [=, x = data(op.in[0]), out = data(op.out[0])](int o) {
      std::memcpy(out + o * width, x + o * width, width * sizeof(float));
    });
  }

  void mean_rows(const Op& op) {
    int group = program_.tokens / program_.outputs;
    each_row(rows(op.out[0]), [=, add = table_.add, scale = table_.scale, x = data(op.in[0]), out = data(op.out[0]),
                               n = size_t(program_[op.out[0]].shape.columns())](int o) {
      const float* from = x + size_t(o) * group * n;
      float* to = out + o * n;
      std::memcpy(to, from, n * sizeof(float));
      for (int j = 1; j < group; ++j) add(to, from + j * n, to, n);
      scale(to, 1.0f / static_cast<float>(group), to, n);
    });
  }

  void pick_rows(const Op& op) {
    size_t width = static_cast<size_t>(program_[op.out[0]].shape.columns());
    each_row(rows(op.out[0]), [=, &inputs = inputs_, x = data(op.in[0]), out = data(op.out[0])](int o) {
      std::memcpy(out + o * width, x + inputs.output_rows[o] * width, width * sizeof(float));
    });
  }

  void concat(const Op& op) {
    size_t left = static_cast<size_t>(program_[op.in[0]].shape.columns());
    size_t right = static_cast<size_t>(program_[op.in[1]].shape.columns());
    each_row(rows(op.out[0]), [=, a = data(op.in[0]), b = data(op.in[1]), out = data(op.out[0])](int row) {
      float* to = out + row * (left + right);
      std::memcpy(to, a + row * left, left * sizeof(float));
      std::memcpy(to + left, b + row * right, right * sizeof(float));
    });
  }

  void slice(const Op& op) {
    const auto& p = op.as<ops::SliceParams>();
    size_t from = static_cast<size_t>(program_[op.in[0]].shape.columns());
    each_row(rows(op.out[0]), [=, x = data(op.in[0]) + p.first, out = data(op.out[0]), n = size_t(p.count)](int row) {
      std::memcpy(out + row * n, x + row * from, n * sizeof(float));
    });
  }

  const Segment& segment_;
  const ops::Program& program_;
  const ops::StepInputs& inputs_;
  const CompileOptions& options_;
  const KernelTable& table_;
  Compiled compiled_;
  std::byte* moe_ = nullptr;         // one moe op's rows at a time
  std::byte* quantised_ = nullptr;   // one tensor's rows at a time
  int64_t quantised_tensor_ = -1;    // which, by id
  float* per_thread_ = nullptr;      // thread_floats_ for each thread
  size_t thread_floats_ = 0;
  std::map<const ops::RopeTable*, Angles> angles_;
};

}  // namespace

Compiled compile(const Segment& segment, const CompileOptions& options) {
  return Compiler(segment, options).compile();
}

}  // namespace troika::device::cpu
