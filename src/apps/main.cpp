// troika: one binary, one verb per file. What fails is said in one sentence on stderr, with exit code 1.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>

#include "apps/printable.h"
#include "apps/verbs.h"
#include "base/structured_log.h"

int main(int argc, char** argv) {
  CLI::App app{"Troika: a local language model server for CPU, integrated GPU and NPU", "troika"};
  app.set_version_flag("--version", "troika " TROIKA_VERSION);
  app.require_subcommand(1);
  app.option_defaults()->always_capture_default();
  std::string level = "info", form = "text";
  app.add_option("--log", level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->envname("TROIKA_LOG");
  app.add_option("--log-format", form, "text, or json: an object a line, for machines")
      ->check(CLI::IsMember({"text", "json"}))
      ->envname("TROIKA_LOG_FORMAT");
  app.parse_complete_callback([&] {
    troika::log::set_up(level);
    if (form == "json") troika::log::write_json();
  });
  app.fallthrough();

  using namespace troika::apps;
  for (auto add : {add_run, add_serve, add_pull, add_list, add_cp, add_rm, add_ps, add_stop, add_key, add_show, add_plan, add_bench,
                   add_compare, add_doctor, add_tokenize, add_render, add_logits, add_generate}) {
    add(app);
  }
  try {
    auto verbs = app.get_subcommands([&](const CLI::App* verb) { return argc > 1 && verb->get_name() == argv[1]; });
    if (argc > 1 && argv[1][0] != '-' && verbs.empty()) {
      std::fprintf(stderr, "error: there is no verb '%s'; `troika --help` lists them\n", troika::apps::printable(argv[1]).c_str());
      return 2;
    }
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    int code = app.exit(error);
    return code == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", troika::apps::printable(error.what()).c_str());
    return 1;
  }
  return 0;
}
