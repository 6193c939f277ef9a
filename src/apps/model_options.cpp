#include "apps/model_options.h"

#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "apps/auto_devices.h"
#include "apps/model_store.h"
#include "base/error.h"
#include "base/file_map.h"
#include "ops/step_inputs.h"
#include "power/governor.h"

namespace troika::apps {
namespace {

namespace fs = std::filesystem;

// A path, or an embedded model.
std::optional<fs::path> find_file(std::string_view name) {
  std::error_code error;
  fs::path path(name);
  if (fs::exists(path, error)) return path;
  fs::path embedded = shipped_models() / (std::string(name) + ".gguf");
  bool plain = name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
  if (plain && fs::exists(embedded, error)) return embedded;
  return std::nullopt;
}

// The file's or folder's name.
std::string name_of_file(const fs::path& path) {
  auto whole = fs::absolute(path).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();
  return whole.extension() == ".gguf" ? whole.stem().string() : whole.filename().string();
}

[[noreturn]] void fail_missing(const store::Store& store, std::string_view name) {
  if (store.can_pull(name)) fail("the model '{0}' is not here yet: troika pull {0}", name);
  std::vector<std::string> near = store.names_near(name);
  if (!near.empty()) fail("there is no model '{}'; did you mean {}?", name, fmt::join(near, " or "));
  fail("there is no model '{}': give a GGUF file, a safetensors folder, a name that `troika list` or `troika list --zoo` "
       "shows, OWNER/REPOSITORY of the Hugging Face hub, or '{}' (the embedded model)", name, kEmbeddedModel);
}

store::Model find_in_store(std::string_view name) {
  store::Store store = open_store();
  if (!store.is_name(name)) fail_missing(store, name);
  std::optional<store::Model> model = store.find(name);
  if (!model) fail_missing(store, name);
  return *model;
}

}  // namespace

fs::path find_model(std::string_view name) {
  if (name.empty()) name = kEmbeddedModel;
  if (auto file = find_file(name)) return *file;
  return find_in_store(name).path;
}

std::string id_of_model(std::string_view name) {
  if (auto file = find_file(name)) return name_of_file(*file);
  return find_in_store(name).name;
}

void add_model_options(CLI::App& verb, ModelOptions& o, ModelArgument argument) {
  if (argument != ModelArgument::none) {
    auto* model = verb.add_option("model", o.model, "GGUF file, safetensors folder or name");
    if (argument == ModelArgument::required) model->required();
  }
  verb.add_option("--device", o.engine.device,
                  "cpu, vulkan (a GPU), npu (by the plug-in TROIKA_NPU_PLUGIN or the one installed, else simulated), reference "
                  "(plain and slow); or a list such as vulkan,npu: the first that can does an operation, the CPU what is left; auto: "
                  "what `plan --hardware this` names once `bench calibrate` has measured this machine, the CPU until then")
      ->envname("TROIKA_DEVICE");
  verb.add_option("--place", o.engine.place,
                  "operations on devices of the list: kinds, layers or both: linear=npu,0-13=vulkan,14-20:attend=cpu")
      ->envname("TROIKA_PLACE");
  verb.add_option("--prefill-device", o.engine.prefill_device,
                  "a second list, with a copy of the weights, that reads long prompts while --device generates: npu,cpu")
      ->envname("TROIKA_PREFILL_DEVICE");
  verb.add_option("--prefill-from", o.engine.prefill_from,
                  "prompts with so many tokens that are not cached are read there; shorter ones by --device")
      ->check(CLI::Range(ops::kPageTokens, 1 << 24))
      ->envname("TROIKA_PREFILL_FROM");
  verb.add_option("--dtype", o.dtype, "auto; f32: compute everything in float32; f16: in halves, on the matrix unit of a GPU (--device vulkan)")
      ->check(CLI::IsMember({"auto", "f32", "f16"}))
      ->envname("TROIKA_DTYPE");
  verb.add_option("--threads", o.engine.threads, "CPU threads; 0: every physical core")
      ->check(CLI::Range(0, 1024))
      ->envname("TROIKA_THREADS");
  verb.add_option("--isa", o.engine.isa,
                  "the CPU's kernels: scalar, avx2 or avx512; the fastest without it")
      ->envname("TROIKA_ISA");
  verb.add_flag("--no-repack", o.no_repack,
                "read weights where the file is mapped, without a copy in the CPU's own layout: less memory, slower")
      ->envname("TROIKA_NO_REPACK");
  verb.add_flag("--no-tune", o.no_tune, "do not measure which kernels are the fastest on the GPU; take those of a rule")
      ->envname("TROIKA_NO_TUNE");
  verb.add_flag("--no-pin", o.no_pin, "let the system move the CPU's threads from core to core")
      ->envname("TROIKA_NO_PIN");
  verb.add_option("--ctx", o.engine.context, "tokens a conversation may have; 0: the model's, as memory allows")
      ->check(CLI::Range(0, 1 << 24))
      ->envname("TROIKA_CTX");
  verb.add_option("--kv", o.engine.kv, "number format of the cache: f16, f32, q8_0 (half of f16), q4_0 (a quarter) or auto")
      ->check(CLI::IsMember({"auto", "f16", "f32", "q8_0", "q4_0"}))
      ->envname("TROIKA_KV");
  verb.add_option("--gap", o.engine.gap_s,
                  "seconds: long prompts are read in parts so that who generates waits no longer for a token")
      ->check(CLI::Range(0.01, 60.0))
      ->envname("TROIKA_GAP");
  verb.add_option("--power", o.power,
                  "how much of the machine to use: quiet, balanced, full, or auto: full on mains, less on battery")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(power::kProfileNames), std::end(power::kProfileNames))))
      ->envname("TROIKA_POWER");
  verb.add_option("--watts", o.watts, "rest between steps so that the processor's package takes no more than this")
      ->check(CLI::Range(1.0, 1000.0))
      ->envname("TROIKA_WATTS");
  verb.add_option("--system-root", o.system_root, "look for sys/ with sensors here")->group("");  // hidden: for tests
  verb.add_option("--mmproj", o.engine.mmproj, "the GGUF file with the vision tower; without it, one beside the model")
      ->envname("TROIKA_MMPROJ");
  verb.add_option("--image-pixels", o.engine.image_pixels,
                  "most pixels that a picture is shown with; 0: what the model's image processor says")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 28))
      ->envname("TROIKA_IMAGE_PIXELS");
  verb.add_flag("--pan-and-scan", o.engine.pan_and_scan, "Gemma 3: show parts of long pictures besides the whole")
      ->envname("TROIKA_PAN_AND_SCAN");
  verb.add_option("--quant", o.engine.quantise,
                  "round the matrices of a float model while loading: q8_0, q6_k, q5_k, q4_k, …")
      ->envname("TROIKA_QUANT");
  verb.add_option("--slice", o.engine.slice,
                  "a smaller model inside Gemma 3n: e2b, e2.49b, …, a file or JSON, {\"skip\": [20], \"ffn\": 8192}")
      ->envname("TROIKA_SLICE");
}

engine::EngineOptions ModelOptions::engine_options() const {
  engine::EngineOptions chosen = engine;
  bool in_file = !chosen.slice.starts_with('{') && fs::is_regular_file(chosen.slice);
  if (in_file) chosen.slice = read_text_file(chosen.slice, 4096);
  chosen.float32 = dtype == "f32";
  chosen.halves = dtype == "f16";
  const auto names_gpu = [](const std::string& wish) { return wish.find("vulkan") != std::string::npos; };
  if (chosen.halves && !names_gpu(chosen.device) && !names_gpu(chosen.place)) {
    fail("--dtype f16 is for the matrix unit of a GPU; add --device vulkan, or leave it out");
  }
  chosen.repack = !no_repack;
  chosen.tune = !no_tune;
  chosen.pin = !no_pin;
  chosen.power = governor();
  return chosen;
}

std::shared_ptr<power::Governor> ModelOptions::governor() const {
  const auto named = std::ranges::find(power::kProfileNames, power);
  const power::Wish wish{.profile = power::Profile(named - std::begin(power::kProfileNames)), .watts = watts};
  static const auto governor = std::make_shared<power::Governor>(wish, system_root);
  return governor;
}

std::unique_ptr<engine::Engine> ModelOptions::load(const engine::LoadProgress& progress) const {
  ModelOptions chosen = *this;
  choose_devices(chosen);
  return engine::Engine::load(find_model(model), chosen.engine_options(), progress);
}

}  // namespace troika::apps
