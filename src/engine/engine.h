// The engine: one thread that owns the loaded model, its sequences and their cache pages, and turns requests
// into events. Everything public may be called from any thread.
//
//   auto engine = Engine::load("model.gguf", {});
//   uint64_t id = engine->submit({.prompt = ids, .max_tokens = 64}, [](const Event& e) { … });
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/eyes.h"
#include "engine/histogram.h"
#include "engine/request.h"
#include "engine/text_model.h"

namespace troika::power {
class Governor;
}

namespace troika::engine {

struct EngineOptions {
  std::string device = "auto";  // or a list in order of preference: "vulkan,npu"; the CPU is its last, named or not
  std::string place;            // --place: which of them does what: "linear=npu,0-13:attend=cpu" (plan/pins.h)
  std::string prefill_device;   // --prefill-device: a second list, which only reads prompts (prefill_lane.h); "": none
  int prefill_from = 256;       // --prefill-from: tokens of a prompt that it takes at least
  int threads = 0;              // 0: every physical core we may use
  int context = 0;              // tokens per sequence; 0: the model's own, as far as the cache allows
  std::string kv = "auto";      // "f16", "f32", "q8_0", "q4_0"; auto: f32 for float32 files, else f16
  std::string isa;              // --isa: the instruction set of the CPU's kernels, "avx2"; "": the fastest
  bool repack = true;           // --no-repack: false; the CPU then reads weights where the file is mapped
  bool tune = true;             // --no-tune: false; kernels on a GPU then follow a rule, and submissions a guess
  bool pin = true;              // --no-pin: false; the CPU's threads then go where the system puts them
  bool float32 = false;         // --dtype f32: no int8 activations, f32 cache
  bool halves = false;          // --dtype f16: on a GPU's matrix unit, halves instead of int8
  std::string quantise;         // --quant: block format for the matrices of a float model; "" as they are
  size_t kv_bytes = 0;          // memory for the cache; 0: chosen from the model and the machine
  bool may_lack_devices = true; // false: a listed device that is absent is an error, DeviceAbsent; else the rest does its work
  std::filesystem::path mmproj; // --mmproj: the file with the vision tower; "": the model's folder, or a file beside it
  bool sees = true;             // false: no vision tower is looked for
  bool pan_and_scan = false;    // Gemma 3: a chat shows parts of long pictures besides
  int64_t image_pixels = 0;     // the most that a picture is shown with, where the model lets sizes vary; 0: the model's
  size_t image_cache_bytes = size_t{256} << 20;  // of pictures' features
  int batch_tokens = 512;       // token budget of a step, at most the largest bucket
  std::filesystem::path spill_folder;  // --spill-folder: where cache pages are kept on disk
  uint64_t spill_bytes = 0;     // --spill: the most that they take; 0: none are kept
  double gap_s = 0.5;           // --gap: prompts are cut so that who generates waits no longer than this for a token
  std::shared_ptr<power::Governor> power;  // --power: says how much of the machine steps may take; null: all of it
  std::string slice;            // --slice: of a MatFormer model (models/slices.h); "": all of it
};

// How one vector is made of the hidden states of a text.
enum class Pooling : uint8_t { mean, last, other };  // other: as the file says, and we do not do it

struct ModelInfo {
  std::string name;           // general.name, or the folder's or file's name
  std::string path;
  std::string architecture;   // "qwen2"
  std::string format;         // of the file: "gguf" or "safetensors"
  std::string quantisation;   // the format of most of its weights: "q4_k"
  std::string licence;        // as the file names it; "": it does not
  Pooling pooling = Pooling::mean;  // what the file says, or the mean
  int layers = 0, width = 0, heads = 0, kv_heads = 0;
  std::string device;         // that computes it: "cpu"; several with what each does: "vulkan: 310 ops, cpu: 12 ops"
  int64_t created = 0;        // the file's time, Unix seconds
  int context_length = 0;     // tokens a sequence may have here (prompt and answer together)
  int model_context_length = 0;  // what the model was made for
  int vocabulary = 0;         // rows of the output head
  std::string slice;          // of the model that requests get unless they ask for another; "": all of it
  size_t weight_bytes = 0;
  size_t looked_up_bytes = 0;  // of these, in tables of which a token reads one row: only what is used comes to memory
  int64_t multiplied_weights = 0;  // with which every token of a prompt is multiplied
  size_t streamed_bytes = 0;  // of weights that each step reads whole: the floor of a decoded token
  int64_t parameters = 0;
  std::string why_blind;      // a sentence for whoever shows it a picture; "": it sees
  SamplingOptions sampling;   // the model's recommended sampling (generation_config), neutral where it says nothing
};

// Counted on the engine's thread since the model was loaded.
struct EngineStats {
  int running = 0;  // sequences in a step
  int waiting = 0;  // requests that have not begun; several of which all but one are `further` count once
  int page_tokens = 0;
  int64_t pages_total = 0, pages_free = 0;  // of all page groups
  size_t cache_bytes = 0, cache_bytes_used = 0;
  int64_t steps = 0, prompt_tokens = 0, generated_tokens = 0, preemptions = 0;
  int64_t pictures = 0;  // that went through the tower
  double busy_s = 0;     // that the device computed, steps and pictures
  double rested_s = 0;   // between steps, to keep a ceiling (power/policy.h)
  bool settled = false;  // all that loading put off is done: steps are as fast as they get
  int64_t cached_tokens = 0;  // of prompt_tokens, taken over from an earlier text
  int64_t restored_tokens = 0;  // of text that was read back from disk
  uint64_t spilled_bytes = 0;   // that the cache has on disk
  int failed_steps = 0;         // since the last one that did not fail
  std::string device;           // that computes now: ModelInfo::device, without those that were
  std::string lost_device;      // and do not answer any more: the others go on; "": all do
  int64_t lane_prompts = 0, lane_tokens = 0;  // that the lane for prompts handed over
  int64_t lane_computed_tokens = 0;  // by it, those that nobody wanted any more among them
  double lane_busy_s = 0;
  bool lane_lost = false;  // it failed: prompts are computed by `device` since
  int64_t stopped = 0, limited = 0, cancelled = 0, failed = 0;  // requests that ended so

  RowHistogram step_rows;         // tokens computed in a step
  GapHistogram step_seconds;
  WaitHistogram queued_seconds;   // of requests: from submit to the first step
  WaitHistogram first_token_seconds, request_seconds;  // from submit
  GapHistogram gap_seconds;       // from one token of a request to its next
};

// Hears, while a model is loaded, which share of its weights' bytes is in place, 0 to 1. On the thread that loads.
using LoadProgress = std::function<void(double share)>;

class Engine {
 public:
  // Maps and prepares the model and starts the engine's thread. Throws Error.
  static std::unique_ptr<Engine> load(const std::filesystem::path& path, const EngineOptions& options,
                                      const LoadProgress& progress = {});
  virtual ~Engine() = default;  // cancels what is running

  virtual const ModelInfo& model() const = 0;
  // Places pictures in prompts; null when the model does not see, for the reason that ModelInfo::why_blind gives.
  virtual const Eyes* eyes() const { return nullptr; }
  virtual const TextModel& text() const = 0;  // tokenizer may be null (a folder without one)

  // Queues a request and returns its number. Throws Error at once when the request cannot be served: empty or
  // too long a prompt, an id outside the vocabulary, a count out of range.
  virtual uint64_t submit(Request request, EventSink sink) = 0;

  // Ends the request within a step; its last event has Finish::cancelled. Unknown or finished numbers are ignored.
  virtual void cancel(uint64_t id) = 0;

  virtual EngineStats stats() const = 0;
};

// The engine's eyes; throws Error that says why it has none.
const Eyes& eyes_of(const Engine& engine);

}  // namespace troika::engine
