// troika doctor: what this machine offers, which of it this build uses, and what to do about the rest. Each
// figure says whether it was measured here and now or read from the system.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/resource.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/doctor_gpus.h"
#include "apps/doctor_npu.h"
#include "apps/hardware.h"
#include "apps/machine_limits.h"
#include "apps/model_options.h"
#include "apps/verbs.h"
#include "base/error.h"
#include "base/platform.h"
#include "base/sensors.h"
#include "device/device.h"
#include "kernels/kernel_table.h"
#include "power/governor.h"

namespace troika::apps {
namespace {

constexpr double kGiB = 1 << 30;

struct Report {
  platform::Cpu cpu;
  std::string kernels;  // the instruction set chosen
  platform::Memory memory;
  std::optional<size_t> memlock_bytes;  // nothing: unlimited
  double read_bytes_per_s = 0;          // measured with cpu.cores threads
  std::string embedded_model;           // path, "" when it is missing
  std::vector<Accelerator> gpus, npus;
  VulkanGpus vulkan;
  std::vector<platform::Reading> sensors;
  power::Status power;  // of --power auto
  std::string locked_energy;  // how to make its counter readable; "": it is, or there is none
  std::vector<std::string> advice;
};

std::optional<size_t> memlock_limit() {
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return limit.rlim_cur;
}

std::string embedded_model() {
  try {
    return find_model(kEmbeddedModel).string();
  } catch (const Error&) {
    return {};
  }
}

std::string name_of(const Accelerator& a) { return a.node.empty() ? a.pci_id : a.node; }

void advise_on(std::vector<std::string>& advice, const Accelerator& a, std::string_view module) {
  if (a.driver.empty()) {
    advice.push_back(
        fmt::format("{}: no driver is bound; load it with: sudo modprobe {}", name_of(a), module));
  } else if (!a.present) {
    advice.push_back(
        fmt::format("{}: the kernel has it, but the node is not here; in a container pass it in with "
                    "--device {}",
                    a.node, a.node));
  } else if (!a.accessible) {
    advice.push_back(
        fmt::format("{}: no permission; type: sudo usermod -aG render \"$USER\", then log in again", a.node));
  }
}

std::vector<std::string> advise(const Report& r) {
  std::vector<std::string> advice;
  if (!r.cpu.avx2) {
    advice.push_back(
        "the CPU lacks AVX2, FMA or F16C (or hides them): the plain kernels are used, which are slow");
  }
  if (r.embedded_model.empty()) {
    advice.push_back(
        fmt::format("the embedded model {} is missing: is the checkout whole? `serve --model FILE` and "
                    "`run FILE` need no embedded model",
                    kEmbeddedModel));
  }
  if (r.memory.available_bytes < (size_t{2} << 30)) {
    advice.push_back(
        "less than 2 GiB of memory are free: close something before loading a model of some size");
  }
  for (const Accelerator& gpu : r.gpus)
    advise_on(advice, gpu, gpu.vendor == "AMD" ? "amdgpu" : "the vendor's module");
  for (const Accelerator& npu : r.npus) advise_on(advice, npu, "amdxdna");
  if (!r.locked_energy.empty()) advice.push_back(r.locked_energy);
  if (std::string text = advice_on(r.vulkan, r.gpus); !text.empty()) advice.push_back(std::move(text));
  return advice;
}

Report examine(const std::filesystem::path& root) {
  const power::Governor governor({}, root, power::Governor::Looks::when_told);
  Report r{.cpu = platform::cpu(),
           .kernels = std::string(kernels::kernel_table().name),
           .memory = platform::memory(),
           .memlock_bytes = memlock_limit(),
           .read_bytes_per_s = measure_read_bandwidth(platform::cpu().cores),
           .embedded_model = embedded_model(),
           .gpus = find_gpus(root),
           .npus = find_npus(root),
           .vulkan = root == "/" ? ask_vulkan() : VulkanGpus{.choice = {.why = "it is asked about this machine only"}},
           .sensors = platform::Sensors(root).read(platform::Sensors::Clock::now()),
           .power = governor.status(),
           .locked_energy = governor.meter().is_locked() ? governor.meter().missing() : ""};
  r.advice = advise(r);
  return r;
}

nlohmann::ordered_json to_json(const std::vector<Accelerator>& list, const VulkanGpus& vulkan) {
  auto json = nlohmann::ordered_json::array();
  for (const Accelerator& a : list) {
    json.push_back({{"node", a.node},
                    {"vendor", a.vendor},
                    {"pci_id", a.pci_id},
                    {"driver", a.driver},
                    {"present", a.present},
                    {"accessible", a.accessible},
                    {"used", is_taken(vulkan, a)}});
  }
  return json;
}

// Only what is known.
nlohmann::ordered_json to_json(const std::vector<platform::Reading>& sensors) {
  auto json = nlohmann::ordered_json::array();
  for (const platform::Reading& r : sensors) {
    nlohmann::ordered_json known = {{"name", r.sensor}};
    if (r.celsius) known["celsius"] = *r.celsius;
    if (r.watts) known["watts"] = *r.watts;
    if (r.busy) known["busy"] = *r.busy;
    json.push_back(std::move(known));
  }
  return json;
}

// "8 cores for us", and what keeps us from more.
std::string cores_text(const platform::Cpu& cpu) {
  const platform::Cores& cores = cpu.topology;
  size_t threads = 0;
  for (const std::vector<int>& core : cores.threads) threads += core.size();
  std::string text = fmt::format("{} cores for us", cpu.cores);
  if (threads > cores.threads.size()) {
    text += fmt::format(" (one thread on each; {} hardware threads share them)", threads);
  }
  if (size_t(cpu.cores) < cores.threads.size()) {
    text += fmt::format("; a control group allows the time of {:.3g} of {}", cores.quota, cores.threads.size());
  }
  if (cores.numa_nodes > 1) text += fmt::format("; {} NUMA nodes", cores.numa_nodes);
  if (cores.restricted) return text + "; threads are not pinned: others may have a part of this machine";
  return text + "; threads are pinned";
}

nlohmann::ordered_json to_json(const Report& r) {
  nlohmann::ordered_json memlock = nullptr, model = nullptr;
  if (r.memlock_bytes) memlock = *r.memlock_bytes;
  if (!r.embedded_model.empty()) model = r.embedded_model;
  return {{"version", TROIKA_VERSION},
          {"cpu",
           {{"name", r.cpu.name},
            {"cores", r.cpu.cores},
            {"core_threads", r.cpu.topology.threads},
            {"quota_cores", r.cpu.topology.quota > 0 ? nlohmann::ordered_json(r.cpu.topology.quota) : nullptr},
            {"restricted", r.cpu.topology.restricted},
            {"numa_nodes", r.cpu.topology.numa_nodes},
            {"avx2", r.cpu.avx2},
            {"avx512", r.cpu.avx512},
            {"kernels", r.kernels}}},
          {"memory", {{"total_bytes", r.memory.total_bytes}, {"available_bytes", r.memory.available_bytes}}},
          {"memlock_bytes", memlock},
          {"read_bandwidth",
           {{"bytes_per_s", r.read_bytes_per_s}, {"threads", r.cpu.cores}, {"source", "measured"}}},
          {"embedded_model", model},
          {"devices_built", device::device_names()},
          {"gpus", to_json(r.gpus, r.vulkan)},
          {"npus", to_json(r.npus, r.vulkan)},
          {"vulkan", to_json(r.vulkan)},
          {"sensors", to_json(r.sensors)},
          {"power", power::explain(r.power)},
          {"advice", r.advice}};
}

void line(std::string_view label, std::string_view text) { fmt::print("{:<11}{}\n", label, text); }

void print_accelerators(std::string_view label, const std::vector<Accelerator>& list, const VulkanGpus& vulkan) {
  if (list.empty()) line(label, "none found");
  for (const Accelerator& a : list) {
    const char* state = a.driver.empty() ? "no driver"
                        : !a.present     ? "node missing"
                        : a.accessible   ? "accessible"
                                         : "no permission";
    line(label, fmt::format("{} {} {}{}{}: {}; {}", a.vendor, a.pci_id, a.node, a.driver.empty() ? "" : " driver ",
                            a.driver, state, is_taken(vulkan, a) ? "--device vulkan takes it" : "not used"));
  }
}

std::string text_of(const platform::Reading& r) {
  std::string text = r.sensor;
  if (r.busy) text += fmt::format(" {:.0f} % busy", 100 * *r.busy);
  if (r.celsius) text += fmt::format(" {:.0f} °C", *r.celsius);
  if (r.watts) text += fmt::format(" {:.1f} W", *r.watts);
  return text;
}

void print_sensors(const std::vector<platform::Reading>& sensors) {
  std::vector<std::string> texts;
  for (const platform::Reading& reading : sensors) texts.push_back(text_of(reading));
  line("sensors", texts.empty() ? "none found" : fmt::format("{}", fmt::join(texts, ", ")));
}

void print_vulkan(const VulkanGpus& vulkan) {
  for (const std::string& text : lines_about(vulkan)) line("Vulkan", text);
}

void print(const Report& r) {
  fmt::print("troika {}\n\n", TROIKA_VERSION);
  line("CPU", fmt::format("{}, {}", r.cpu.name, cores_text(r.cpu)));
  bool wider = r.cpu.avx512 && r.kernels.find("512") == std::string::npos;
  line("kernels", fmt::format("{}{}", r.kernels,
                              wider ? " (the CPU has AVX-512 too; this build has no kernels for it)" : ""));
  line("memory", fmt::format("{:.1f} GiB, {:.1f} GiB free", double(r.memory.total_bytes) / kGiB,
                             double(r.memory.available_bytes) / kGiB));
  line("bandwidth", fmt::format("{:.1f} GB/s read by {} threads, measured just now", r.read_bytes_per_s / 1e9,
                                r.cpu.cores));
  line("memlock",
       r.memlock_bytes ? fmt::format("{} KiB; the CPU needs none", *r.memlock_bytes >> 10) : "unlimited");
  line("model", r.embedded_model.empty() ? "the embedded model is missing" : r.embedded_model);
  print_accelerators("GPU", r.gpus, r.vulkan);
  print_vulkan(r.vulkan);
  print_accelerators("NPU", r.npus, r.vulkan);
  print_sensors(r.sensors);
  line("power", power::explain(r.power));
  fmt::print(
      "\nTroika computes on the CPU unless it is told otherwise (--device, one of: {}; or several, such as vulkan,npu, with "
      "--place to say what each does). TROIKA_VULKAN_DEVICE=NUMBER, or a "
      "part of a name, is the GPU that --device vulkan takes; it was never run on a Radeon 780M.\n"
      "Where no plug-in drives an NPU, --device npu is simulated on the CPU: exact, very slow, and it uses no NPU; "
      "troika doctor --npu says what is there.\n"
      "Bandwidth was measured; everything else is what the system says of itself.\n",
      fmt::join(device::device_names(), ", "));
  if (!r.advice.empty()) fmt::print("\nWhat to do:\n");
  for (const std::string& advice : r.advice) fmt::print("- {}\n", advice);
}

void print_json(const nlohmann::ordered_json& json) {
  fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

void show_gpus(bool as_json) {
  const VulkanGpus vulkan = ask_vulkan();
  if (as_json) print_json({{"vulkan", to_json(vulkan)}});
  else print_vulkan(vulkan);
}

void show_npu(bool as_json, const std::filesystem::path& root) {
  const NpuReport report = examine_npu(root);
  if (as_json) return print_json(to_json(report));
  for (const NpuLine& about : lines_about(report)) line(about.label, about.text);
}

}  // namespace

void add_doctor(CLI::App& app) {
  struct Options {
    bool json = false, gpus = false, npu = false;
    std::string root = "/";
  };
  auto o = std::make_shared<Options>();
  auto* verb =
      app.add_subcommand("doctor", "Say what hardware and limits were found, and what to do about each");
  verb->add_flag("--json", o->json, "as JSON");
  verb->add_flag("--gpus", o->gpus, "only what Vulkan says of the GPUs; nothing is measured");
  verb->add_flag("--npu", o->npu, "only the NPU: what it needs, a self-test, how fast it is");
  verb->add_option("--root", o->root, "look for sys/ and dev/ here")->group("");  // hidden: for tests
  verb->callback([o] {
    if (o->gpus) return show_gpus(o->json);
    if (o->npu) return show_npu(o->json, o->root);
    Report report = examine(o->root);
    if (o->json) {
      print_json(to_json(report));
    } else {
      print(report);
    }
  });
}

}  // namespace troika::apps
