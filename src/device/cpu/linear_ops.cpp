// Products with weights: cut into pieces of weight rows × pieces of tokens.
#include "device/cpu/op_compiler.h"

namespace troika::device::cpu {
namespace {

// The arguments of a piece of the work; pieces begin with a tile.
struct Narrow {
  int tile_tokens;
  LinearArgs operator()(LinearArgs args, LinearSplit::Piece piece) const {
    args.x += piece.token / tile_tokens * args.x_stride;
    args.tokens = piece.tokens;
    args.row += piece.row;
    args.rows = piece.rows;
    if (args.bias) args.bias += piece.row;
    args.out += piece.token * args.out_stride + piece.row;
    return args;
  }
};

bool is_wanted(const LinearArgs& a, const float* gate) {
  for (int t = 0; t < a.tokens; ++t) {
    for (int r = 0; r < a.rows; ++r) {
      if (gate[t * a.out_stride + r] != 0) return true;
    }
  }
  return false;
}

}  // namespace

OpCompiler::Activations OpCompiler::activations(Tensor x, Arithmetic arithmetic) {
  int depth = program_[x].shape.columns(), tile = table_.tile_tokens, which = static_cast<int>(arithmetic);
  size_t stride = tile * kernels::activation_bytes(arithmetic, depth);
  std::byte* tiles = tiles_[which];
  if (tiles_of_[which] != int64_t{x.id}) {
    tiles_of_[which] = x.id;
    LiveRows live = rows(x);
    launch_small(live, [=] { return pieces(live(), tile); },
                 [=, from = data(x), make = table_.tile_maker(arithmetic)](int task, int) {
                   int first = task * tile;
                   make(from + size_t(first) * depth, depth, std::min(tile, live() - first), depth,
                        tiles + task * stride);
                 });
  }
  return {tiles, stride, arithmetic};
}

// What a kernel is to know of a weight but its place; an op may use later rows and fewer columns.
LinearArgs OpCompiler::weight_args(const CpuWeight& w, int depth, int first) const {
  int columns = w.view.shape[1];
  check(depth == columns || depth % info(w.format).block_values == 0, "a weight is cut between its blocks");
  LinearArgs args{};
  args.depth = depth;
  args.weight_rows = w.view.shape[0];
  args.weight_columns = columns;
  args.row = first;
  args.format = &info(w.format);
  return args;
}

// Everything but the piece of work.
LinearArgs OpCompiler::linear_args(const Op& op, const CpuWeight& w, Activations x, int first,
                                   const float* bias) const {
  LinearArgs args = weight_args(w, program_[op.in[0]].shape.columns(), first);
  args.x = x.tiles;
  args.x_stride = x.stride;
  args.bias = bias;
  args.out = data(op.out[0]);
  args.out_stride = static_cast<size_t>(program_[op.out[0]].shape.columns());
  return args;
}

Product OpCompiler::product(const CpuWeight& w, Arithmetic arithmetic) const {
  const kernels::FormatKernels& kernels = table_.find(w.format);
  return {&w, kernels.linear(arithmetic, false), kernels.linear(arithmetic, true)};
}

// With many tokens a thread keeps its piece of the weight in its own cache, and many tasks even out what else happens
// on the machine; in a deep product it is the tokens that should stay there while some panels take them. With few the
// weight only passes through.
LinearSplit OpCompiler::split(const Op& op, const CpuWeight& w) const {
  int out = program_[op.out[0]].shape.columns();
  if (program_[op.in[0]].shape[0] <= kFewTokens) {
    int half = pieces(pieces(out, options_.threads), 2);
    return {out, (pieces(half, kernels::kPanelRows) + 1) * kernels::kPanelRows, options_.threads};
  }
  int share = pieces(out, options_.threads * kManyTasks);
  int cached = static_cast<int>(kWeightsPerTask / row_bytes(w.format, w.view.shape[1]));
  int panels = std::min(share, cached) / kernels::kPanelRows;
  int64_t values = int64_t(std::min(program_[op.in[0]].shape[0], kTokensPerTask)) * program_[op.in[0]].shape.columns();
  int least = values > kernels::kNearValues ? table_.panels_together : 1;
  return {out, std::max(least, panels) * kernels::kPanelRows};
}

struct OpCompiler::LinearGroup {
  struct Member {
    Product product;
    LinearArgs args;
    LinearSplit split;
  };
  std::vector<Member> members;
  LiveRows live;
  Narrow narrow;

  int tasks() const {
    int sum = 0;
    for (const Member& m : members) sum += m.split.tasks(live());
    return sum;
  }
  void run(int task) const {
    const Member* m = members.data();
    for (int count; task >= (count = m->split.tasks(live())); ++m) task -= count;
    m->product(narrow(m->args, m->split.piece(task, live())));
  }
};

void OpCompiler::linear(const Op& op) {
  const CpuWeight& w = weight(op.in[1]);
  const float* bias = op.in.size() > 2 ? vector(op.in[2]) : nullptr;
  Activations x = activations(op.in[0], arithmetic_of(w));
  LinearArgs args = linear_args(op, w, x, op.as<ops::LinearParams>().first, bias);
  if (!group_ || group_->members[0].args.x != args.x || group_->members[0].args.depth != args.depth) {
    auto group = std::make_shared<LinearGroup>(LinearGroup{{}, rows(op.out[0]), {table_.tile_tokens}});
    compiled_.keep.push_back(group);
    launch([this_group = group.get()] { return this_group->tasks(); },
           [this_group = group.get()](int task, int) { this_group->run(task); });
    group_ = group.get();
  }
  group_->members.push_back({product(w, x.arithmetic), args, split(op, w)});
}

// Sixteen rows that no token of a task wants are not read. A row of a product has the same bits whatever is computed
// with it, so the result is that of the whole product.
void OpCompiler::linear_where(const Op& op) {
  const CpuWeight& w = weight(op.in[1]);
  Arithmetic arithmetic = arithmetic_of(w);
  int first_row = op.as<ops::LinearParams>().first;
  LinearArgs args = linear_args(op, w, activations(op.in[0], arithmetic), first_row);
  LinearSplit work = split(op, w);
  LiveRows live = rows(op.out[0]);
  launch([=] { return work.tasks(live()); },
         [=, multiply = product(w, arithmetic), gates = data(op.in[2]),
          narrow = Narrow{table_.tile_tokens}](int task, int) {
           LinearSplit::Piece all = work.piece(task, live());
           for (int row = all.row; row < all.row + all.rows; row += kernels::kPanelRows) {
             LinearSplit::Piece piece = all;
             piece.row = row;
             piece.rows = std::min(kernels::kPanelRows, all.row + all.rows - row);
             LinearArgs a = narrow(args, piece);
             const float* gate = gates + piece.token * a.out_stride + row;
             if (is_wanted(a, gate)) multiply(a);
             for (int t = 0; t < a.tokens; ++t) {
               for (int r = 0; r < a.rows; ++r) {
                 if (gate[t * a.out_stride + r] == 0) a.out[t * a.out_stride + r] = 0;
               }
             }
           }
         });
}

// A task multiplies with its rows of both weights: gate into the output, up into the thread's scratch.
void OpCompiler::linear_gated(const Op& op) {
  const CpuWeight& gate = weight(op.in[1]);
  const CpuWeight& up = weight(op.in[2]);
  Activations gate_x = activations(op.in[0], arithmetic_of(gate));
  Activations up_x = activations(op.in[0], arithmetic_of(up));
  LinearArgs gate_args = linear_args(op, gate, gate_x), up_args = linear_args(op, up, up_x);
  LinearSplit work = split(op, gate);
  LiveRows live = rows(op.out[0]);
  launch([=] { return work.tasks(live()); },
         [=, this_table = &table_, gate_product = product(gate, gate_x.arithmetic),
          up_product = product(up, up_x.arithmetic), kind = unary_of(op.as<ops::ActParams>().act),
          scratch = per_thread_, stride = thread_floats_, narrow = Narrow{table_.tile_tokens}](int task, int thread) {
           LinearSplit::Piece piece = work.piece(task, live());
           LinearArgs a = narrow(gate_args, piece);
           gate_product(a);
           LinearArgs b = narrow(up_args, piece);
           b.out = scratch + thread * stride;
           b.out_stride = static_cast<size_t>(piece.rows);
           up_product(b);
           for (int t = 0; t < piece.tokens; ++t) {
             float* out = a.out + t * a.out_stride;
             this_table->gated(kind, out, b.out + t * b.out_stride, out, b.out_stride);
           }
         });
}

}  // namespace troika::device::cpu
