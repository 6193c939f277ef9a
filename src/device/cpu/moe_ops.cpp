// Mixtures of experts: rows are sorted by expert, so that each expert's weights are read once.
#include "device/cpu/op_compiler.h"

#include <cstring>

namespace troika::device::cpu {

OpCompiler::MoeLayout OpCompiler::moe_layout(const Op& op) {
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

OpCompiler::ExpertLinear OpCompiler::expert_linear(Tensor matrix, size_t x_floats, size_t x_int8, size_t out) {
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
int OpCompiler::expert_rows(const Op& op, int rows, size_t weight_row) const {
  int share = pieces(int64_t{rows} * op.as<ops::MoeParams>().used, options_.threads * 8);
  int cached = static_cast<int>(kWeightsPerTask / weight_row);
  return std::max(16, std::min({rows, share, cached}) / 16 * 16);
}

void OpCompiler::moe(const Op& op) {
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

}  // namespace troika::device::cpu
