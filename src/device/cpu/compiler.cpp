#include "device/cpu/compiler.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "base/error.h"
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

int pieces(int64_t whole, int64_t part) { return static_cast<int>((whole + part - 1) / part); }

kernels::Unary unary_of(ops::Activation act) {
  switch (act) {
    case ops::Activation::silu: return kernels::Unary::silu;
    case ops::Activation::gelu_tanh: return kernels::Unary::gelu_tanh;
    case ops::Activation::gelu_erf: return kernels::Unary::gelu_erf;
    case ops::Activation::relu: return kernels::Unary::relu;
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
    return !options_.float32 && table_.find(w.format)->int8 != nullptr;
  }

  void size_scratch() {
    size_t quantised_bytes = 0;
    for (size_t i = segment_.begin; i < segment_.end; ++i) {
      const Op& op = program_.ops[i];
      if (op.kind == OpKind::attend) {
        const ops::CacheInfo& cache = program_.caches[op.as<ops::AttendParams>().cache];
        int group = op.as<ops::AttendParams>().heads / cache.kv_heads;
        thread_floats_ = std::max(thread_floats_, kernels::attend_scratch(group, cache.head_dim));
      }
      if (op.kind == OpKind::linear_gated) {
        size_t values = size_t(split(op, weight(op.in[1])).rows_per_task) * kTokensPerTask;
        thread_floats_ = std::max(thread_floats_, values);
      }
      if (op.kind != OpKind::linear && op.kind != OpKind::linear_gated) continue;
      const TensorInfo& x = program_[op.in[0]];
      for (size_t in = 1; in < op.in.size() && in < (op.kind == OpKind::linear ? 2 : 3); ++in) {
        if (!uses_int8(weight(op.in[in]))) continue;
        quantised_bytes = std::max(quantised_bytes,
                                   size_t(x.shape.rows()) * kernels::quantised_row_bytes(x.shape.columns()));
      }
    }
    quantised_ = scratch(quantised_bytes);
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
      case OpKind::linear: return linear(op);
      case OpKind::rms_norm: return rms_norm(op);
      case OpKind::layer_norm: return layer_norm(op);
      case OpKind::add: return binary(op, table_.add);
      case OpKind::mul: return binary(op, table_.mul);
      case OpKind::scale: return scale(op);
      case OpKind::gated: return gated(op);
      case OpKind::act: return act(op);
      case OpKind::softcap: return softcap(op);
      case OpKind::rope: return rope(op);
      case OpKind::kv_write: return kv_write(op);
      case OpKind::attend: return attend(op);
      case OpKind::pick_rows: return pick_rows(op);
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
    each_row(rows(op.out[0]), [=, &inputs = inputs_, unpack = format.unpack, table = w.data](int t) {
      unpack(table + inputs.token_ids[t] * stride, std::span(out + t * width, width));
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

  // Everything but the piece of work.
  LinearArgs linear_args(const CpuWeight& w, Activations x, const float* bias, float* out) const {
    int depth = w.view.shape[1];
    return {.x = x.rows, .x_stride = x.stride, .tokens = 0, .depth = depth, .weight = w.data,
            .weight_stride = row_bytes(w.format, depth), .rows = 0, .bias = bias, .out = out,
            .out_stride = static_cast<size_t>(w.view.shape[0])};
  }

  LinearKernel linear_kernel(const CpuWeight& w, bool int8) const {
    const kernels::FormatKernels* format = table_.find(w.format);
    return int8 ? format->int8 : format->float32;
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
    int out = w.view.shape[0];
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
    LinearArgs args = linear_args(w, activations(op.in[0], int8), bias, data(op.out[0]));
    LinearSplit work = split(op, w);
    LiveRows live = rows(op.out[0]);
    launch([=] { return work.tasks(live()); },
           [=, kernel = linear_kernel(w, int8)](int task, int) { kernel(narrowed(args, work.piece(task, live()))); });
  }

  // A task multiplies with its rows of both weights: gate into the output, up into the thread's scratch.
  void linear_gated(const Op& op) {
    const CpuWeight& gate = weight(op.in[1]);
    const CpuWeight& up = weight(op.in[2]);
    Activations gate_x = activations(op.in[0], uses_int8(gate));
    Activations up_x = activations(op.in[0], uses_int8(up));
    LinearArgs gate_args = linear_args(gate, gate_x, nullptr, data(op.out[0]));
    LinearArgs up_args = linear_args(up, up_x, nullptr, data(op.out[0]));
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

  void rms_norm(const Op& op) {
    each_row(rows(op.out[0]),
             [norm = table_.rms_norm, x = data(op.in[0]), w = vector(op.in[1]), out = data(op.out[0]),
              n = program_[op.out[0]].shape.columns(), epsilon = op.as<ops::NormParams>().epsilon](int row) {
               norm(x + size_t(row) * n, w, out + size_t(row) * n, 1, n, epsilon);
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

  void binary(const Op& op, void (*kernel)(const float*, const float*, float*, size_t) noexcept) {
    each_piece(op.out[0], [=, a = data(op.in[0]), b = data(op.in[1]), out = data(op.out[0])](size_t i, size_t n) {
      kernel(a + i, b + i, out + i, n);
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
        float angle = static_cast<float>(inputs.positions[t]) * this_table->inverse_frequency[i];
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
                                heads = size_t(c.kv_heads), dim = size_t(c.head_dim)](int t) {
        int position = inputs.positions[t];
        size_t page = static_cast<size_t>(inputs.pages(t)[position / ops::kPageTokens]);
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
            window = p.window, scratch = per_thread_, stride = thread_floats_](int task, int thread) {
             int t = task / args.kv_heads;
             kernels::AttendArgs a = args;
             a.kv_head = task % args.kv_heads;
             size_t at = size_t(task) * args.heads * args.head_dim;
             a.q = q + at;
             a.out = out + at;
             a.pages = inputs.pages(t);
             a.last = inputs.positions[t];
             a.first = window > 0 ? std::max(0, a.last - window + 1) : 0;
             a.scratch = scratch + thread * stride;
             kernel(a);
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
