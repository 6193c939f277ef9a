// From a stretch of tape to recorded dispatches: every address, size and shader is settled here. One function an op;
// they stand in linear_ops.cpp, moe_ops.cpp, attention_ops.cpp, row_ops.cpp and top_ops.cpp. Private to this folder.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "base/error.h"
#include "device/vulkan/half_tile.h"
#include "device/vulkan/matrix_tile.h"
#include "device/vulkan/panels.h"
#include "device/vulkan/recorder.h"
#include "device/vulkan/step_block.h"
#include "device/vulkan/tuner.h"
#include "device/vulkan/vulkan_device.h"

namespace troika::device::vulkan {

using ops::Op;
using ops::OpKind;
using ops::Tensor;
using ops::TensorInfo;

// A matrix in panels, or a vector in float32, in memory that the GPU reads.
struct GpuWeight : Weight {
  Shape shape;
  const PanelFormat* panel = nullptr;  // null: a vector
  size_t panel_bytes = 0;
  std::shared_ptr<GpuBuffer> buffer;   // that it lies in, with others
  VkDeviceAddress address = 0;
  VkDeviceAddress tables = 0;          // the format's code book; 0: it has none
};

// What the host reads of a program, copied to where it reads fast.
struct ReadBack {
  Tensor tensor;
  std::shared_ptr<GpuBuffer> buffer;
};

struct Compiled {
  std::shared_ptr<StepBlock> step;
  std::vector<ReadBack> results;
  std::shared_ptr<GpuBuffer> top;  // TopLogits of each row; null: they are not looked for
  std::set<std::shared_ptr<GpuBuffer>> tickets;  // that are 0 between steps (shaders/lib/attend.glsl)
  bool can_be_repeated = false;  // a step: all that it reads, the host wrote
  std::vector<std::shared_ptr<void>> keep;  // all that the commands point at
  std::unique_ptr<Recorder> fetch;  // brings wanted rows of logits to results[0]; null: the host reads the arena
  std::unique_ptr<Recorder> recorder;  // goes first: it waits for the GPU
};

inline constexpr uint32_t kNoTensor = UINT32_MAX;

// Memory that ops work in, each purpose's shared by all that a device compiles: steps follow each other on one queue.
class Scratch {
 public:
  enum Purpose : uint8_t {
    gate, up, chosen, shares, hidden, made, groups, parts, states, tickets,
    numbers, scales = numbers + 4, factors = scales + 4, count = factors + 4
  };

  explicit Scratch(std::shared_ptr<Context> context) : context_(std::move(context)) {}
  // At least `bytes`; what was given before stays as it is for those who keep it.
  const std::shared_ptr<GpuBuffer>& get(size_t purpose, size_t bytes);

 private:
  const std::shared_ptr<Context> context_;
  std::array<std::shared_ptr<GpuBuffer>, count> buffers_;
};

struct CompileOptions {
  bool float32 = false;  // activations are not rounded
  bool halves = false;   // they are rounded to halves for block formats too, where the GPU's lanes are known
  uint32_t rows_at_once = 32;  // that linear_int8 multiplies with a weight; more go through matmul_int8, to the same bits
  bool matrix_unit = true;  // products of more than a few rows in matmul_coop, where the GPU can: to the same bits again
  std::optional<MatrixTile> matrix_tile{};  // of those; else chosen for each product
  uint64_t most_work = UINT64_MAX;  // multiplications in one submission (recorder.h)
  Results results = Results::in_place;
  const Tuner* tuner = nullptr;  // knows which kernels are fastest; null: a rule says it
  Recorder::Timed timed = Recorder::Timed::no;
};

// What not every dispatch needs, as recorder.h has it.
struct DispatchMore {
  uint64_t work = 0;
  uint32_t subgroup_size = 0;
  bool can_wait = false;
  std::string what{};
};

class Compiler {
 public:
  Compiler(std::shared_ptr<Context> context, const Segment& segment, std::shared_ptr<StepBlock> step, Scratch& scratch,
           CompileOptions options);
  Compiled compile();
  // The products of the segment that several kernels may compute, with the tuner's candidates for each. They point at memory
  // that lives as long as this.
  std::vector<Trial> trials();

 private:
  void add_ops();
  void add(const Op& op);

  // Where the tape ends. What: bits of ops::Wanted.
  void add_results();
  bool is_made_here(Tensor t) const;
  bool reads_only_inputs() const;
  void find_top(Tensor logits);
  void read_back(Tensor t, uint32_t what);
  void copy_wanted(Recorder& recorder, const ReadBack& read, uint32_t what) const;
  void record_fetch();

  // What ops point at.
  Range range(Tensor t) const;  // its bytes in the arena
  VkDeviceAddress at(Tensor t) const { return range(t).begin; }
  const GpuWeight& weight(Tensor t);
  VkDeviceAddress vector(Tensor t) { return weight(t).address; }
  uint32_t columns(Tensor t) const { return uint32_t(program_[t].shape.columns()); }
  uint32_t capacity(Tensor t) const { return uint32_t(program_[t].shape.rows()); }
  int32_t rows(Tensor t) const;  // as live_rows() of shaders/lib/step.glsl takes it
  Range scratch(size_t purpose, size_t bytes);
  void dispatch(std::string_view shader, std::vector<uint32_t> constants, std::span<const std::byte> push,
                std::array<uint32_t, 3> groups, std::vector<Range> reads, std::vector<Range> writes,
                DispatchMore more = {});

  // How rows of x are rounded for a product: to int8 (shaders/lib/int8.glsl), or to halves for the matrix unit (lib/half.glsl).
  enum class Rounding : uint8_t { none, int8, halves };
  // Such rows. A few of them are kept, for products that follow each other.
  struct Rounded {
    Range numbers, scales;  // halves have no scales
    uint32_t tensor;
    Rounding as;
    // By what a product's rows are still to be multiplied, as shaders/lib/product.glsl counts it.
    enum Factor : uint32_t { none, factors, squares } factor = none;
    Range factors_at{};
    float epsilon = 0;
  };
  enum class Multiplies : bool { all_rows, experts };  // each row with an expert of its own
  Rounding rounding_of(const GpuWeight& w, Multiplies what = Multiplies::all_rows) const;
  const Rounded& place_rounded(uint32_t tensor, Rounding as, uint32_t columns, uint32_t capacity);  // not written yet
  const Rounded& round(uint32_t tensor, Rounding as, Range x, uint32_t columns, uint32_t capacity, int32_t rows, uint32_t per_row);
  const Rounded* rounded(Tensor x, Rounding as);  // written where it is first asked for, unless its op did; null: `none`
  Rounding wanted_rounding(Tensor x) const;       // by the first product that takes x
  // As shaders take it: rows that lie together, and lanes that share one; 0: rounded to int8.
  std::array<uint32_t, 2> halves_constants(Rounding as) const;
  // An add_norm behind a product, of whose normed rows only products of rounded rows know, leaves the root mean square to these:
  // so the product can end with it, if its rows are few.
  bool leaves_factor(size_t add_norm) const;
  const Rounded& place_normed(const Op& add_norm, Rounding as, Rounded::Factor factor);
  uint64_t tell(std::span<const std::byte> more);  // where it lies for the shaders

  void embed(const Op& op);
  // How rows of x meet a weight (shaders/lib/product.glsl).
  struct Product {
    enum Kind : uint32_t { plain, gated, where } kind = plain;
    const GpuWeight* weight;
    VkDeviceAddress address = 0, second = 0;  // address 0: the weight's own
    VkDeviceAddress bias = 0, gate = 0, chosen = 0;  // chosen: each row has an expert of its own
    uint32_t first = 0, used = 1, x_rows = 1;
    ops::Activation act{};
    VkDeviceAddress x = 0;
    const Rounded* rounded = nullptr;     // x as such; null: multiply in float32
    const Rounded* to_rounded = nullptr;  // the result as such besides; null: it is not wanted
    const Op* add_norm = nullptr;         // that it ends with, to `to_rounded`
    VkDeviceAddress to = 0;
    uint32_t depth = 0, columns = 0, capacity = 0;
    int32_t rows = 0;
    std::vector<Range> reads, writes;  // besides `rounded` and `to_rounded`
    uint32_t matrices() const { return kind == gated ? 2 : 1; }
    uint64_t work() const;  // as pace.h counts it
    bool in_halves() const { return rounded && rounded->as == Rounding::halves; }
  };
  struct Kernel {
    PipelineKey pipeline;
    uint32_t columns, rows;  // of the result, of a workgroup
  };
  Kernel kernel_of(const Product& p) const;
  std::vector<Kernel> kernels_of(const Product& p) const;  // all that give the same bits, what kernel_of() says first
  Kernel linear_kernel_of(const Product& p) const;
  Kernel matmul_kernel_of(const Product& p, uint32_t each) const;
  Kernel coop_kernel_of(const Product& p, const MatrixKernel& kernel) const;
  Kernel half_kernel_of(const Product& p, const HalfKernel& kernel) const;
  HalfProduct half_product_of(const Product& p) const;
  bool can_end_with_norm(const Product& p) const;
  bool has_halves() const { return options_.matrix_unit && context_->lanes(); }
  bool has_matrix_unit() const { return options_.matrix_unit && matrix_shape(context_->caps()); }
  uint32_t most_rows_of_linear(Rounding x) const;
  uint32_t slice_length_of(const Product& p) const;
  uint32_t stretches_at_once(const Product& p, uint32_t rows, uint32_t lanes) const;
  static bool can_wait(const PipelineKey& pipeline);
  MatrixKernel matrix_kernel_of(const Product& p) const;
  void multiply(const Product& p);
  // The fastest that is known. all_live: what it is told in a trial.
  Candidate candidate_of(const Product& p, std::span<const std::byte> all_live);
  void add_trial(const std::string& product, const std::vector<Candidate>& candidates, uint64_t work,
                 std::span<const std::byte> all_live);
  void linear(const Op& op);
  void gated_apart(const Op& op);
  void moe(const Op& op);

  void rope(const Op& op);
  void kv_write(const Op& op);
  const Op* turned_just_before(const Op& reader) const;
  bool is_turned_by_readers(const Op& rope) const;
  const Op* writes_itself(const Op& kv_write) const;
  void attend(const Op& op);
  void attend_spans(const Op& op);

  // As shaders/elementwise.comp has them.
  struct Elementwise {
    enum Kind : uint32_t { add, mul, mul_by_vector, scale, act, softcap, gated } kind;
    ops::Activation activation{};
    float factor = 0;
  };
  void elementwise(const Op& op, const Elementwise& e);
  void elementwise(const Elementwise& e, Range a, Range b, Tensor out);
  // As shaders/copy.comp has them.
  struct Copy {
    enum From : uint32_t { same_row, output_row, features, features_or_same } from;
    uint32_t from_first = 0;
  };
  void copy(const Op& op, const Copy& c);
  void concat(const Op& op);
  // As shaders/norm.comp has them.
  struct Norm {
    enum Kind : uint32_t { rms, rms_plain, add_rms, layer, match_rms, cut_below } kind;
    int width = 0;  // 0: of whole rows
    float number;
  };
  void norm(const Op& op, const Norm& n);
  void mean_rows(const Op& op);
  void mix(const Op& op);

  const std::shared_ptr<Context> context_;
  const Segment& segment_;
  const ops::Program& program_;
  const VkDeviceAddress arena_, step_;
  const CompileOptions options_;
  Compiled compiled_;
  Scratch& scratch_;
  std::map<uint32_t, Rounding> wanted_roundings_;  // of tensors that this segment multiplies so
  std::map<const Op*, const Op*> kept_back_;  // by the attend op that does it: the kv_write
  std::set<const Op*> leave_factor_, done_;  // add_norms of whose rows a factor is left apart; that products ended with
  std::shared_ptr<GpuBuffer> told_;
  size_t told_bytes_ = 0;
  std::vector<Trial> trials_;
  std::array<Rounded, 4> rounded_{};
  size_t next_rounded_ = 0;
};

constexpr uint32_t pieces(uint32_t whole, uint32_t part) { return (whole + part - 1) / part; }

}  // namespace troika::device::vulkan
