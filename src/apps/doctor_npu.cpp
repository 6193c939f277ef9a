#include "apps/doctor_npu.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/platform.h"

namespace troika::apps {
namespace {

using Json = nlohmann::ordered_json;

std::string shown(const npu::Measured& m) {
  std::string text = m.clock_ghz ? fmt::format("{:.2f} GHz, as the driver says", *m.clock_ghz)
                                 : std::string("a clock that the driver does not tell (1 GHz assumed)");
  text += fmt::format("; a run takes {:.0f} µs; at least {:.1f} GB/s read", m.launch_us, m.read_gb_s);
  for (const auto& [design, share] : m.efficiency) text += fmt::format("; {} {:.1f} % of the peak", design, 100 * share);
  return text;
}

Json json_of(const npu::OpenedArray& array) {
  Json overlays = Json::array();
  for (const npu::GemmContext& context : array.gemm.contexts)
    overlays.push_back({{"design", context.design.spec.name},
                        {"xclbin_sha256", context.built.sha256},
                        {"mlir_aie", context.built.mlir_aie},
                        {"llvm_aie", context.built.llvm_aie}});
  const npu::abi::Facts& facts = array.gemm.facts;
  return {{"device", facts.device},
          {"runtime", facts.runtime},
          {"simulated", facts.is_simulated != 0},
          {"self_test", "right"},
          {"designs_tested", array.tested},
          {"overlays", overlays},
          {"report", facts.report}};
}

Json json_of(const npu::Sharing& sharing) {
  return {{"step", sharing.step()},
          {"host_pages", sharing.host_pages.empty() ? "yes" : sharing.host_pages},
          {"exported", sharing.exported.empty() ? "yes" : sharing.exported},
          {"imported", sharing.imported.empty() ? "yes" : sharing.imported}};
}

Json json_of(const npu::Measured& measured) {
  return {{"clock_ghz", measured.clock_ghz ? Json(*measured.clock_ghz) : Json(nullptr)},
          {"launch_us", measured.launch_us},
          {"read_gb_s_at_least", measured.read_gb_s},
          {"efficiency", measured.efficiency}};
}

}  // namespace

NpuReport examine_npu(const std::filesystem::path& root) {
  npu::ArrayOptions options = npu::wanted_array();
  options.root = root;
  NpuReport report{.machine = npu::preflight(root, 0), .plugin = npu::plugin_of(options)};
  try {
    report.array = npu::open_array(options);
    if (report.array->gemm.facts.is_simulated) report.why_not = "it is simulated";
    else report.measured = npu::calibrate(report.array->gemm, report.machine.node);
  } catch (const Error& error) {
    report.why_not = error.what();
  }
  return report;
}

Json to_json(const NpuReport& report) {
  Json findings = Json::array();
  for (const npu::Finding& f : report.machine.findings)
    findings.push_back({{"name", f.name}, {"ready", f.is_ready}, {"text", f.text}});
  const bool is_real = report.array && !report.array->gemm.facts.is_simulated;
  return {{"version", TROIKA_VERSION},
          {"cpu", platform::cpu().name},
          {"memory_bytes", platform::memory().total_bytes},
          {"machine", findings},
          {"plugin", report.plugin.empty() ? Json(nullptr) : Json(report.plugin)},
          {"array", report.array ? json_of(*report.array) : Json(nullptr)},
          {"sharing", is_real ? json_of(report.array->sharing) : Json(nullptr)},
          {"measured", report.measured ? json_of(*report.measured) : Json(nullptr)},
          {"why_not", report.why_not}};
}

std::vector<NpuLine> lines_about(const NpuReport& report) {
  std::vector<NpuLine> lines;
  for (const npu::Finding& f : report.machine.findings) lines.push_back({f.name, (f.is_ready ? "" : "no: ") + f.text});
  lines.push_back({"plug-in", report.plugin.empty() ? "none installed or asked for (TROIKA_NPU_PLUGIN)" : report.plugin});
  if (!report.array) {
    lines.push_back({"array", "no: " + report.why_not});
    return lines;
  }
  const npu::abi::Facts& facts = report.array->gemm.facts;
  lines.push_back({"array", fmt::format("{}, {}", facts.device, facts.runtime)});
  lines.push_back({"self-test", fmt::format("{} designs tested, every bit of their products is right", report.array->tested)});
  if (!facts.is_simulated) lines.push_back({"memory", to_text(report.array->sharing)});
  lines.push_back({"measured", report.measured ? shown(*report.measured) : "nothing: " + report.why_not});
  return lines;
}

}  // namespace troika::apps
