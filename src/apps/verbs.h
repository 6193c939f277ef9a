// The verbs of the command line: each begins in a file of its name. A verb declares its options on the app it is given
// and sets a callback; errors are thrown as troika::Error and caught in main, once.
#pragma once

namespace CLI {
class App;
}

namespace troika::apps {

void add_run(CLI::App& app);
void add_serve(CLI::App& app);
void add_pull(CLI::App& app);
void add_list(CLI::App& app);
void add_cp(CLI::App& app);
void add_rm(CLI::App& app);
void add_ps(CLI::App& app);
void add_stop(CLI::App& app);
void add_key(CLI::App& app);
void add_show(CLI::App& app);
void add_plan(CLI::App& app);
void add_bench(CLI::App& app);
void add_compare(CLI::App& app);
void add_doctor(CLI::App& app);
void add_tokenize(CLI::App& app);
void add_render(CLI::App& app);
void add_logits(CLI::App& app);
void add_generate(CLI::App& app);

}  // namespace troika::apps
