#include "npu/design/attention_design.h"

#include "npu/design/builder.h"

namespace troika::npu {

AttentionDesign make_attention_design() {
  constexpr uint32_t kTileBytes = 2 * kAttentionRows * kHeadSize, kScores = kAttentionRows * kAttentionRows;
  const Tile shim = shim_tile(0), core = core_tile(0, 0);
  AttentionDesign design{{.name = "attention_hd128"}};
  Builder parts(design.spec);
  const Fifo q = parts.add_fifo("Q", core, 1, kTileBytes), kv = parts.add_fifo("KV", core, 2, kTileBytes);
  const Fifo o = parts.add_fifo("O", core, 1, 2 * kTileBytes);
  const int s = parts.add_buffer("S", core, 4 * kScores), p = parts.add_buffer("P", core, 2 * kScores);
  const int stats = parts.add_buffer("stats", core, 4 * 8 * 2 * 16);
  design.parameter = parts.add_buffer("parameters", core, kParameterBytes);
  design.parameter_lock = parts.add_lock("parameters", core, 0, true);
  parts.add_channel(into(core, 0), {q}, kTileBytes);
  parts.add_channel(into(core, 1), {kv}, kTileBytes);
  parts.add_channel(out_of(core, 0), {o}, kTileBytes);
  design.spec.shims = {
      {"Q", out_of(shim, 0), kAttentionQ}, {"KV", out_of(shim, 1), kAttentionKv}, {"O", into(shim, 0), kAttentionO}};
  design.spec.flows = {
      {out_of(shim, 0), {into(core, 0)}}, {out_of(shim, 1), {into(core, 1)}}, {out_of(core, 0), {into(shim, 0)}}};

  Program program;
  auto block = [&](const char* weigh) {
    program.call("zero_i32_32x32", {s});
    program.acquire(kv.full);
    program.call("mm_bf16_f32_32x128x32", {q.buffers[0], kv.buffers[0], s});
    program.release(kv.free);
    program.call(weigh, {s, stats, p, o.buffers[0]});
    program.acquire(kv.full);
    program.call("mm_bf16_f32_32x32x128", {p, kv.buffers[1], o.buffers[0]});
    program.release(kv.free);
  };
  program.acquire(design.parameter_lock);
  program.acquire(q.full);
  program.acquire(o.free);
  program.call("attention_begin_32x128", {stats, o.buffers[0]});
  program.repeat(design.parameter, 0);
  block("attention_weigh_32x32");
  program.end();
  block("attention_weigh_causal_32x32");
  program.call("attention_end_32x128", {stats, o.buffers[0]});
  program.release(q.free);
  program.release(o.full);
  design.spec.cores = {{core, kStackBytes, std::move(program.steps)}};
  return design;
}

}  // namespace troika::npu
