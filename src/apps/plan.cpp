// troika plan MODEL --print: the tape of a bucket as it will be replayed, with where each result lies.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "apps/model_options.h"
#include "apps/verbs.h"
#include "base/error.h"
#include "engine/model.h"
#include "engine/step.h"
#include "plan/memory.h"
#include "plan/segments.h"

namespace troika::apps {
namespace {

struct Options {
  ModelOptions model;
  int tokens = 1;
  bool print = false;
};

void plan(const Options& o) {
  engine::Model model = engine::load_model(find_model(o.model.model), o.model.engine_options());
  ops::Program program = engine::trace_bucket(model, o.tokens);
  plan::MemoryPlan memory = plan::plan_memory(program);
  device::Device* devices[] = {model.device.get()};
  auto placement = plan::place(program, devices);
  size_t token_bytes = engine::page_bytes(program, model.kv_format) / ops::kPageTokens;
  fmt::print("{}: {} ops in {} segments on {}; weights {:.1f} MB, activations {:.1f} MB, cache {:.1f} kB a token\n",
             model.file->path().string(), program.ops.size(), plan::cut(placement).size(),
             model.device->info().name, double(model.weight_bytes) / 1e6, double(memory.bytes) / 1e6,
             double(token_bytes) / 1e3);
  if (!o.print) return;
  for (size_t i = 0; i < program.ops.size(); ++i) {
    const ops::Op& op = program.ops[i];
    std::string at = op.out.empty() ? "" : fmt::format("@{}", memory.offsets[op.out[0].id]);
    fmt::print("{:4}  {:<9} {:<10} {:<26} {}\n", i, devices[placement[i]]->info().name, at, op.name,
               to_string(program, op));
  }
}

}  // namespace

void add_plan(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* verb = app.add_subcommand("plan", "Show what will run where");
  add_model_options(*verb, o->model, ModelArgument::required);
  verb->add_option("--tokens", o->tokens, "bucket: tokens a step")->check(CLI::Range(1, 512));
  verb->add_flag("--print", o->print, "print the tape");
  verb->callback([o] { plan(*o); });
}

}  // namespace troika::apps
