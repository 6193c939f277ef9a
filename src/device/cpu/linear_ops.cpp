// Products with weights: cut into pieces of weight rows × pieces of tokens.
#include "device/cpu/op_compiler.h"

namespace troika::device::cpu {
namespace {

constexpr int kRowsAhead = 4;  // of linear_where: the hardware does not foresee rows that lie far apart

}  // namespace

OpCompiler::Activations OpCompiler::activations(Tensor x, bool int8) {
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
LinearArgs OpCompiler::linear_args(const Op& op, const CpuWeight& w, Activations x, int first,
                       const float* bias) const {
  int depth = program_[op.in[0]].shape.columns();
  check(depth == w.view.shape[1] || depth % info(w.format).block_values == 0, "a weight is cut between its blocks");
  size_t stride = row_bytes(w.format, w.view.shape[1]);
  return {.x = x.rows, .x_stride = x.stride, .tokens = 0, .depth = depth, .weight = w.data + size_t(first) * stride,
          .weight_stride = stride, .rows = 0, .bias = bias, .out = data(op.out[0]),
          .out_stride = static_cast<size_t>(program_[op.out[0]].shape.columns()), .format = &info(w.format)};
}

LinearKernel OpCompiler::linear_kernel(const CpuWeight& w, bool int8) const {
  const kernels::FormatKernels& format = table_.find(w.format);
  return int8 ? format.int8 : format.float32;
}

LinearArgs OpCompiler::narrowed(LinearArgs args, LinearSplit::Piece piece) {
  args.x += piece.token * args.x_stride;
  args.tokens = piece.tokens;
  args.weight += piece.row * args.weight_stride;
  args.rows = piece.rows;
  if (args.bias) args.bias += piece.row;
  args.out += piece.token * args.out_stride + piece.row;
  return args;
}

// Many tasks per thread even out what else happens on the machine; 16 rows at least keep reads long.
LinearSplit OpCompiler::split(const Op& op, const CpuWeight& w) const {
  int out = program_[op.out[0]].shape.columns();
  int share = pieces(out, options_.threads * 8);
  int cached = static_cast<int>(kWeightsPerTask / row_bytes(w.format, w.view.shape[1]));
  if (program_[op.in[0]].shape[0] <= 8) cached = 512;  // read once: nothing to keep
  int rows_per_task = std::max(16, std::min(share, cached) / 16 * 16);
  return {out, rows_per_task};
}

void OpCompiler::linear(const Op& op) {
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
void OpCompiler::linear_where(const Op& op) {
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
               const std::byte* begin = all.weight + ahead * all.weight_stride;
               for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch(begin + at);
               ++asked;
             }
             asked -= is_wanted(all, gate + row);
             wanted_tokens(kernel, all, row, gate + row);
           }
         });
}

bool OpCompiler::is_wanted(const LinearArgs& all, const float* gate) {
  for (int t = 0; t < all.tokens; ++t) {
    if (gate[t * all.out_stride] != 0) return true;
  }
  return false;
}

// One weight row: stretches of tokens with a gate are multiplied, the others get 0.
void OpCompiler::wanted_tokens(LinearKernel kernel, const LinearArgs& all, int row, const float* gate) {
  auto wants = [&](int t) { return gate[t * all.out_stride] != 0; };
  for (int t = 0; t < all.tokens;) {
    int end = t;
    while (end < all.tokens && wants(end)) ++end;
    if (end > t) kernel(narrowed(all, {.row = row, .rows = 1, .token = t, .tokens = end - t}));
    for (t = end; t < all.tokens && !wants(t); ++t) all.out[t * all.out_stride + row] = 0;
  }
}

// A task multiplies with its rows of both weights: gate into the output, up into the thread's scratch.
void OpCompiler::linear_gated(const Op& op) {
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

}  // namespace troika::device::cpu
