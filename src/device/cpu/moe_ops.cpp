// Mixtures of experts: rows are sorted by expert, so that each expert's weights are read once.
#include "device/cpu/op_compiler.h"

#include <cstring>

namespace troika::device::cpu {

OpCompiler::MoeLayout OpCompiler::moe_layout(const Op& op) {
  MoeLayout l;
  for (size_t in = 2; in < op.in.size(); ++in) {
    MoeLayout::Tiles& read = (in - 2) % 3 == 2 ? l.hidden_tiles : l.x;
    read.wanted[static_cast<int>(arithmetic_of(weight(op.in[in])))] = true;
  }
  size_t slots = size_t(program_[op.in[0]].shape[0]) * op.as<ops::MoeParams>().used;
  int depth = program_[op.in[0]].shape.columns(), width = program_[op.in[2]].shape[0];
  auto take = [&](size_t& at, bool wanted, size_t row) {
    at = l.end;
    if (wanted) l.end += (slots * row + 63) / 64 * 64;
  };
  auto take_tiles = [&](MoeLayout::Tiles& tiles, int columns) {
    for (int i = 0; i < kernels::kArithmetics; ++i) {
      take(tiles.at[i], tiles.wanted[i], kernels::activation_bytes(static_cast<Arithmetic>(i), columns));
    }
  };
  take_tiles(l.x, depth);
  take(l.hidden, true, width * sizeof(float));
  take(l.up, true, width * sizeof(float));
  take_tiles(l.hidden_tiles, width);
  take(l.out, true, depth * sizeof(float));
  return l;
}

OpCompiler::ExpertLinear OpCompiler::expert_linear(Tensor matrix, const MoeLayout::Tiles& x, size_t out) {
  const CpuWeight& w = weight(matrix);
  Arithmetic arithmetic = arithmetic_of(w);
  LinearArgs args = weight_args(w, w.view.shape[1]);
  args.x = moe_ + x.at[static_cast<int>(arithmetic)];
  args.x_stride = table_.tile_tokens * kernels::activation_bytes(arithmetic, args.depth);
  args.out = reinterpret_cast<float*>(moe_ + out);
  args.out_stride = static_cast<size_t>(w.view.shape[0]);
  return {product(w, arithmetic), args, table_.tile_tokens};
}

// Tiles of each expert's rows: those of `rows` by slot, or by the token that the slot belongs to.
void OpCompiler::expert_tiles(const Routing* routing, const MoeLayout::Tiles& to, const float* rows, bool by_slot,
                              int depth) {
  launch([=] { return routing->groups(); },
         [=, table = &table_, tile = table_.tile_tokens, moe = moe_, scratch = per_thread_,
          stride = thread_floats_](int task, int thread) {
           const Routing::Group& group = routing->group_at(task);
           float* gathered = scratch + thread * stride;
           for (int slot = group.first, end = group.first + group.count; slot < end; slot += tile) {
             int count = std::min(tile, end - slot);
             for (int i = 0; i < count; ++i) {
               int row = by_slot ? slot + i : routing->row_of(slot + i);
               std::memcpy(gathered + size_t(i) * depth, rows + size_t(row) * depth, depth * sizeof(float));
             }
             for (int i = 0; i < kernels::kArithmetics; ++i) {
               size_t row = kernels::activation_bytes(static_cast<Arithmetic>(i), depth);
               if (to.wanted[i]) table->tiles[i](gathered, depth, count, depth, moe + to.at[i] + slot * row);
             }
           }
         });
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

  expert_tiles(r, l.x, data(op.in[0]), false, int(depth));
  struct Expert {
    ExpertLinear gate, up, down;
  };
  auto all = std::make_shared<std::vector<Expert>>();
  compiled_.keep.push_back(all);
  for (int e = 0; e < experts; ++e) {
    size_t in = 2 + 3 * size_t(e);
    all->push_back({expert_linear(op.in[in], l.x, l.hidden), expert_linear(op.in[in + 1], l.x, l.up),
                    expert_linear(op.in[in + 2], l.hidden_tiles, l.out)});
  }
  const Expert* expert = all->data();
  float* hidden = reinterpret_cast<float*>(moe_ + l.hidden);
  const float* up = reinterpret_cast<const float*>(moe_ + l.up);

  int inner_rows = expert_rows(op, int(width), row_bytes(expert->gate.args.format->format, depth));
  int inner = pieces(width, inner_rows);
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
  expert_tiles(r, l.hidden_tiles, hidden, true, int(width));
  int outer_rows = expert_rows(op, int(depth), row_bytes(expert->down.args.format->format, width));
  int outer = pieces(depth, outer_rows);
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
