// From ops to launches: settles every pointer, size and kernel once, when a tape is compiled. One function an op; they
// stand in linear_ops.cpp, moe_ops.cpp, attention_ops.cpp and row_ops.cpp. Private to this folder.
#pragma once

#include <algorithm>
#include <functional>
#include <map>

#include "base/error.h"
#include "device/cpu/attend_plan.h"
#include "device/cpu/compiler.h"
#include "device/cpu/routing.h"

namespace troika::device::cpu {

using kernels::Arithmetic;
using kernels::KernelTable;
using kernels::LinearArgs;
using kernels::LinearKernel;
using ops::Op;
using ops::OpKind;
using ops::Tensor;
using ops::TensorInfo;

inline constexpr Format kCacheFormats[] = {Format::f16, Format::f32, Format::q8_0, Format::q4_0};
inline constexpr int kTokensPerTask = kernels::kMostTokens;
inline constexpr int kFewTokens = 4;
inline constexpr int kManyTasks = 16;                  // of a thread, with more tokens
inline constexpr size_t kWeightsPerTask = 256 << 10;   // bytes: they stay in the core's own cache for all its tokens
inline constexpr size_t kValuesPerTask = 4096;       // of element-wise ops
inline constexpr int kSmallRows = 4;                   // up to so many, ops on rows are done by one thread
inline constexpr size_t kSmallColumns = 32768;

inline int pieces(int64_t whole, int64_t part) { return static_cast<int>((whole + part - 1) / part); }

kernels::Unary unary_of(ops::Activation act);

// How many rows of a tensor are live, read when the step runs.
struct LiveRows {
  const int* counter;  // in StepInputs, or null
  int fixed;
  int operator()() const { return counter ? *counter : fixed; }
};

// The work of a linear op cut into tasks: pieces of weight rows × pieces of tokens. With few tokens the rows are cut into
// `shares`, one for each thread, and each of these into a half, a quarter and two eighths: reading takes a while to get
// under way, so pieces should be long, and who is done waits for the last piece, which should be short.
struct LinearSplit {
  int weight_rows, rows_per_task;
  int shares = 0;  // 0: pieces of rows_per_task
  static constexpr int kCuts[] = {0, 4, 6, 7}, kPieces = 4;  // of a share, in eighths: where its pieces begin

  int tasks(int tokens) const {
    return shares > 0 ? shares * kPieces : pieces(weight_rows, rows_per_task) * pieces(tokens, kTokensPerTask);
  }
  struct Piece {
    int row, rows, token, tokens;
  };
  // Tasks that follow each other share weight rows, so that these come from memory once.
  Piece piece(int task, int tokens) const {
    if (shares > 0) {
      int row = cut(task), end = cut(task + 1);
      return {row, end - row, 0, tokens};
    }
    int columns = pieces(tokens, kTokensPerTask);
    int row = task / columns * rows_per_task, token = task % columns * kTokensPerTask;
    return {row, std::min(rows_per_task, weight_rows - row), token, std::min(kTokensPerTask, tokens - token)};
  }

 private:
  // Where a task of shares begins.
  int cut(int task) const {
    int64_t panels = pieces(weight_rows, kernels::kPanelRows), eighths = 8 * (task / kPieces) + kCuts[task % kPieces];
    return std::min(weight_rows, static_cast<int>(panels * eighths / (8 * shares)) * kernels::kPanelRows);
  }
};

// A product with a matrix, as it lies when the step runs: rows of the file, or panels.
struct Product {
  const CpuWeight* weight;
  LinearKernel by_rows, by_panels;

  // Of args all but the place of the weight.
  void operator()(LinearArgs args) const {
    args.panel = weight->panel;
    args.weight = weight->panel ? weight->panels->host() : weight->data;
    args.weight_stride = weight->panel ? kernels::panel_bytes(*weight->panel, args.weight_columns)
                                       : row_bytes(weight->format, args.weight_columns);
    (weight->panel ? by_panels : by_rows)(args);
  }
};

class OpCompiler {
 public:
  OpCompiler(const Segment& segment, const CompileOptions& options)
      : segment_(segment), program_(*segment.program), inputs_(*segment.inputs), options_(options),
        table_(*options.kernels) {
    check(segment.begin <= segment.end && segment.end <= program_.ops.size(), "a segment lies in its program");
    check(segment.arena && segment.arena->host(), "the CPU sees its arena");
    compiled_.keep.push_back(segment.arena);
    for (const Cache& cache : segment.caches) {
      if (std::ranges::find(kCacheFormats, cache.format) == std::end(kCacheFormats)) {
        fail("the CPU keeps keys and values in f16, f32, q8_0 or q4_0, not in {}", info(cache.format).name);
      }
      compiled_.keep.push_back(cache.keys);
      compiled_.keep.push_back(cache.values);
    }
  }

  Compiled compile();

 private:
  // What ops point at.
  float* data(Tensor t) const;
  const CpuWeight& weight(Tensor t);
  const float* vector(Tensor t);
  LiveRows rows(Tensor t) const;

  // Scratch memory, sized before the first op is compiled.
  Arithmetic arithmetic_of(const CpuWeight& w) const { return cpu::arithmetic_of(table_, w.format, options_.float32); }
  void size_scratch();
  std::byte* scratch(size_t bytes);

  void launch(std::function<int()> tasks, std::function<void(int, int)> run);
  // The same for work that is small where rows are few: what follows each other then is one launch of one task, since
  // to share it out would take longer than to do it.
  void launch_small(LiveRows live, std::function<int()> tasks, std::function<void(int, int)> run);
  // One task per live row.
  template <typename Run>
  void each_row(LiveRows live, Run run) {
    launch_small(live, live, [run](int row, int) { run(row); });
  }
  // Tasks of kValuesPerTask values; run(first, count)
  template <typename Run>
  void each_piece(Tensor out, Run run) {
    LiveRows live = rows(out);
    size_t columns = static_cast<size_t>(program_[out].shape.columns());
    auto tasks = [=] { return pieces(int64_t(live()) * int64_t(columns), kValuesPerTask); };
    auto piece = [=](int task, int) {
      size_t first = size_t(task) * kValuesPerTask;
      run(first, std::min(kValuesPerTask, size_t(live()) * columns - first));
    };
    if (columns <= kSmallColumns) launch_small(live, tasks, piece);
    else launch(tasks, piece);
  }

  void add(const Op& op);

  // What linear ops multiply with: tiles, which stay valid until a linear op reads another tensor in that arithmetic.
  struct Activations {
    std::byte* tiles;
    size_t stride;  // bytes
    Arithmetic arithmetic;
  };
  Activations activations(Tensor x, Arithmetic arithmetic);
  LinearArgs weight_args(const CpuWeight& w, int depth, int first = 0) const;
  LinearArgs linear_args(const Op& op, const CpuWeight& w, Activations x, int first = 0,
                         const float* bias = nullptr) const;
  Product product(const CpuWeight& w, Arithmetic arithmetic) const;
  LinearSplit split(const Op& op, const CpuWeight& w) const;
  // Products with one tensor that follow each other: their tasks are one launch.
  struct LinearGroup;
  void linear(const Op& op);
  void linear_where(const Op& op);
  void linear_gated(const Op& op);

  // What a moe op works on, as offsets into moe_: rows in the order of the slots. The tiles of a group of slots begin
  // where its first row would.
  struct MoeLayout {
    struct Tiles {
      size_t at[kernels::kArithmetics] = {};
      bool wanted[kernels::kArithmetics] = {};  // some expert computes in it
    };
    Tiles x, hidden_tiles;
    size_t hidden = 0, up = 0, out = 0, end = 0;
  };
  // One expert's matrix; x and out are those of slot 0.
  struct ExpertLinear {
    Product product;
    LinearArgs args;
    int tile_tokens;

    void run(const Routing::Group& group, int row, int rows) const {
      LinearArgs a = args;
      a.x += group.first * (a.x_stride / tile_tokens);
      a.row = row;
      a.rows = rows;
      a.out += group.first * a.out_stride + row;
      for (int done = 0; done < group.count; done += a.tokens) {
        a.tokens = std::min(kTokensPerTask, group.count - done);
        product(a);
        a.x += a.tokens / tile_tokens * a.x_stride;
        a.out += a.tokens * a.out_stride;
      }
    }
  };
  MoeLayout moe_layout(const Op& op);
  ExpertLinear expert_linear(Tensor matrix, const MoeLayout::Tiles& x, size_t out);
  void expert_tiles(const Routing* routing, const MoeLayout::Tiles& to, const float* rows, bool by_slot, int depth);
  int expert_rows(const Op& op, int rows, size_t weight_row) const;
  void moe(const Op& op);

  // Cosines and sines of the step's tokens, [T, D/2] each: once per step and table.
  struct Angles {
    float *cosine, *sine;
  };
  Angles angles(const std::shared_ptr<const ops::RopeTable>& table, int half);
  void rope(const Op& op);
  void kv_write(const Op& op);
  AttendPlan::Sizes attend_sizes(const Op& op) const;
  float* partials();  // what chunks of attention leave for each other
  void attend(const Op& op);
  void attend_spans(const Op& op);

  void embed(const Op& op);
  void features(const Op& op);
  void insert_features(const Op& op);
  void rms_norm(const Op& op);
  void layer_norm(const Op& op);
  void add_norm(const Op& op);
  void mix(const Op& op);
  void match_rms(const Op& op);
  void cut_below(const Op& op);
  void binary(const Op& op, void (*kernel)(const float*, const float*, float*, size_t) noexcept);
  void mul_by(const Op& op);
  void scale(const Op& op);
  void softcap(const Op& op);
  void act(const Op& op);
  void gated(const Op& op);
  void join_rows(const Op& op);
  void mean_rows(const Op& op);
  void pick_rows(const Op& op);
  void concat(const Op& op);
  void slice(const Op& op);

  const Segment& segment_;
  const ops::Program& program_;
  const ops::StepInputs& inputs_;
  const CompileOptions& options_;
  const KernelTable& table_;
  Compiled compiled_;
  // Small launches that follow each other, and the rows that they are of; none once another launch came.
  struct Chain {
    std::vector<Launch> steps;
    LiveRows live;
  };
  Chain* chain_ = nullptr;
  LinearGroup* group_ = nullptr;     // the same of linear ops
  std::byte* moe_ = nullptr;         // one moe op's rows at a time
  std::byte* tiles_[kernels::kArithmetics] = {};  // one tensor's rows at a time
  int64_t tiles_of_[kernels::kArithmetics] = {-1, -1, -1};  // which, by id
  float* partials_ = nullptr;
  float* per_thread_ = nullptr;      // thread_floats_ for each thread
  size_t thread_floats_ = 0;
  std::map<const ops::RopeTable*, Angles> angles_;
};

}  // namespace troika::device::cpu
