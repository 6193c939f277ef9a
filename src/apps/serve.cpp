// troika serve: loads the models and answers over HTTP until it is told to stop.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "apps/alias_option.h"
#include "apps/model_options.h"
#include "apps/served_models.h"
#include "apps/verbs.h"
#include "base/error.h"
#include "base/log.h"
#include "base/platform.h"
#include "base/user_folders.h"
#include "server/server.h"

namespace troika::apps {
namespace {

struct Options {
  ModelOptions model;
  std::vector<std::string> models, aliases, replicas;
  server::ServerOptions server;
  std::string key_file;
  server::TlsFiles tls;
  double keep_alive_s = -1;
  bool no_store = false;
};

constexpr double kMemoryShare = 0.8;  // of what is free when we start, for all models together

void say_how_to_talk(const server::Server& server, const Options& o, const std::string& id) {
  std::string host = o.server.host.find(':') == std::string::npos ? o.server.host : "[" + o.server.host + "]";
  const std::string base = fmt::format("{}://{}:{}", o.server.tls ? "https" : "http", host, server.port());
  fmt::print(
      "Troika listens on {0}  (OpenAI API: {0}/v1, {2})\n\n"
      "  curl {3}{0}/v1/chat/completions {4}-d "
      "'{{\"model\": \"{1}\", \"messages\": [{{\"role\": \"user\", \"content\": \"Who are you?\"}}]}}'\n\n"
      "Chat in the browser at that address, or in the terminal with `troika run`. Stop with Ctrl-C.\n",
      base, id, o.key_file.empty() ? "any key" : "keys of " + o.key_file,
      o.server.tls ? fmt::format("--cacert {} ", o.server.tls->certificate.string()) : "",
      o.key_file.empty() ? "" : "-H 'Authorization: Bearer KEY' ");
  std::fflush(stdout);
}

// A connection is an open file, and many systems begin with 1024 a process.
void allow_connections(size_t most) {
  constexpr size_t kOthers = 128;  // models, cache pages on disk, pictures that are being fetched
  const size_t allowed = platform::allow_open_files(most + kOthers);
  if (allowed < most + kOthers)
    log::warn("--max-connections {}: this process may open {} files only; raise its limit with ulimit -n", most,
              allowed);
}

void serve(Options& o) {
  if (o.models.empty()) o.models.emplace_back(kEmbeddedModel);
  if (!o.server.images.hosts.empty() && !o.server.images.allow_urls)
    fail("--image-url-hosts limits what --allow-image-urls allows; give both");
  if (!o.key_file.empty()) {
    server::read_api_keys(o.key_file);  // before the models: what is wrong with it is said at once
    o.server.read_keys = [file = o.key_file] { return server::read_api_keys(file); };
  }
  if (o.tls.certificate.empty() != o.tls.key.empty())
    fail("--tls-cert and --tls-key belong together: {} is missing", o.tls.key.empty() ? "--tls-key" : "--tls-cert");
  if (!o.tls.key.empty()) o.server.tls = o.tls;
  allow_connections(o.server.max_connections);
  o.server.version = TROIKA_VERSION;
  auto& spill_folder = o.model.engine.spill_folder;
  if (o.model.engine.spill_bytes > 0 && spill_folder.empty()) {
    const auto cache = cache_folder();
    if (!cache) fail("--spill: there is no HOME; say where with --spill-folder");
    spill_folder = *cache / "troika/pages";
  }
  if (o.server.loading.memory_bytes == 0)
    o.server.loading.memory_bytes = uint64_t(kMemoryShare * double(platform::memory().available_bytes));
  o.server.loading.keep = std::chrono::duration<double>(o.keep_alive_s);
  ServedModels models(o.model, o.models, !o.no_store, read_replicas(o.replicas, o.models));
  o.server.source = &models;
  if (!o.aliases.empty()) o.server.aliases = read_aliases(o.aliases, models.offers());
  o.server.system_root = o.model.system_root;
  o.server.power = o.model.governor();
  o.server.handle_signals = true;
  server::Server server(o.server, {});
  const std::vector<std::string> ids = models.first_ids();
  for (const std::string& id : ids) server.load(id);
  const std::string& first = ids.front();
  say_how_to_talk(server, o, first);
  server.run();
}

}  // namespace

void add_serve(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* verb = app.add_subcommand("serve", "Answer over HTTP with OpenAI's API");
  verb->add_option("--model,-m", o->models, "GGUF file, safetensors folder or name, loaded at the start; may be repeated")
      ->envname("TROIKA_MODEL");
  verb->add_option("--alias", o->aliases,
                   "NAME=MODEL[,MODEL…]: a name that stands for the first of these models that is to be had; may be repeated")
      ->envname("TROIKA_ALIAS");
  verb->add_option("--replicas", o->replicas,
                   "load each model of --model so many times, or NAME=N: each has its part of the threads and a cache")
      ->delimiter(',')
      ->envname("TROIKA_REPLICAS");
  verb->add_option("--host", o->server.host, "address to listen on")->envname("TROIKA_HOST");
  verb->add_option("--port,-p", o->server.port, "port; 0: any free one")->envname("TROIKA_PORT");
  verb->add_flag("--allow-image-urls", o->server.images.allow_urls,
                 "fetch pictures that clients name by http and https URLs; only from public addresses")
      ->envname("TROIKA_ALLOW_IMAGE_URLS");
  verb->add_option("--image-url-hosts", o->server.images.hosts, "fetch them from these hosts only: a.org,b.org")
      ->delimiter(',')
      ->envname("TROIKA_IMAGE_URL_HOSTS");
  verb->add_option("--api-key-file", o->key_file, "who may use the server; `troika key` adds to it")
      ->envname("TROIKA_API_KEY_FILE");
  verb->add_option("--tls-cert", o->tls.certificate,
                   "speak https with this certificate, a PEM file: ours first, then those that vouch for it")
      ->envname("TROIKA_TLS_CERT");
  verb->add_option("--tls-key", o->tls.key, "its private key, a PEM file without passphrase")->envname("TROIKA_TLS_KEY");
  verb->add_option("--cors-origins", o->server.origins.cors_origins,
                   "web pages of others that may use the server: https://app.example,http://localhost:3000; '*': all")
      ->delimiter(',')
      ->envname("TROIKA_CORS_ORIGINS");
  verb->add_option("--allowed-hosts", o->server.origins.allowed_hosts,
                   "names that the server goes by besides localhost, behind a proxy: ai.example")
      ->delimiter(',')
      ->envname("TROIKA_ALLOWED_HOSTS");
  verb->add_option("--spill", o->model.engine.spill_bytes,
                   "keep what the cache knows on disk, in at most so many bytes (4GB): chats go on quickly after a "
                   "restart; 0: nothing")
      ->transform(CLI::AsSizeValue(false))
      ->envname("TROIKA_SPILL");
  verb->add_option("--spill-folder", o->model.engine.spill_folder, "where; else ~/.cache/troika/pages")
      ->envname("TROIKA_SPILL_FOLDER");
  verb->add_option("--queue", o->server.queue, "requests that may wait for a model; more are refused")
      ->check(CLI::Range(1, 100'000))
      ->envname("TROIKA_QUEUE");
  verb->add_option("--max-connections", o->server.max_connections,
                   "clients that may be connected at the same time; more are told to come again (503)")
      ->check(CLI::Range(1, 100'000))
      ->envname("TROIKA_MAX_CONNECTIONS");
  verb->add_option("--memory", o->server.loading.memory_bytes,
                   "that loaded models may take together (16GB); 0: most of what is free now")
      ->transform(CLI::AsSizeValue(false))
      ->envname("TROIKA_MEMORY");
  verb->add_option("--keep-alive", o->keep_alive_s,
                   "seconds that a model of the store stays loaded without use; negative: until another one needs the room")
      ->envname("TROIKA_KEEP_ALIVE");
  verb->add_flag("--no-store", o->no_store, "serve the models of --model only, not those that `troika list` shows")
      ->envname("TROIKA_NO_STORE");
  add_model_options(*verb, o->model, ModelArgument::none);
  verb->callback([o] { serve(*o); });
}

}  // namespace troika::apps
