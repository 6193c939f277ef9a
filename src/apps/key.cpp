// troika key: makes an API key for a person or a program, shows it once, and keeps its digest.
#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "apps/verbs.h"
#include "base/error.h"
#include "server/api_keys.h"

namespace troika::apps {
namespace {

struct Options {
  server::ApiKey key;
  std::string role = "user", models;
  std::string file;
};

// Adds the line, behind whatever an editor left without an end; a new file is the owner's alone.
void append(const std::string& path, std::string line) {
  const int file = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  char last = '\n';
  const off_t end = file >= 0 ? ::lseek(file, 0, SEEK_END) : 0;
  if (end > 0 && ::pread(file, &last, 1, end - 1) == 1 && last != '\n') line.insert(0, "\n");
  const bool written = file >= 0 && ::write(file, line.data(), line.size()) == ssize_t(line.size());
  if (file >= 0) ::close(file);
  if (!written) fail("cannot write to {}", path);
}

void make_key(Options& o) {
  if (!server::valid_key_name(o.key.name)) fail("a key's name has letters, digits and -_.@ only, 64 at most");
  o.key.role = *server::role_named(o.role);
  if (!o.models.empty() && !server::read_model_patterns(o.models, o.key.models))
    fail("--models {}: give ids of models with commas between them; a '*' may stand at the end of one", o.models);
  if (!o.file.empty() && std::filesystem::exists(o.file)) {
    for (const server::ApiKey& other : server::read_key_lines(o.file))
      if (other.name == o.key.name) fail("{} has a key named '{}' already; delete its line first", o.file, o.key.name);
  }
  const std::string text = server::random_api_key();
  o.key.digest = server::digest_of(text);
  const std::string line = server::line_of(o.key) + "\n";
  if (o.file.empty()) {
    fmt::print("{}\n\nThis is the key; it cannot be shown again. Its line for the key file:\n\n{}", text, line);
  } else {
    append(o.file, line);
    fmt::print("{}\n", text);
    fmt::print(stderr, "The key of '{}' is above and cannot be shown again; {} has its digest.\n", o.key.name, o.file);
  }
}

}  // namespace

void add_key(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* verb = app.add_subcommand("key", "Make an API key for `troika serve --api-key-file`");
  verb->add_option("NAME", o->key.name, "who will use it")->required();
  verb->add_option("--role", o->role, "user, or admin")->check(CLI::IsMember({"user", "admin"}));
  verb->add_option("--rate", o->key.per_minute, "requests a minute; 0: no limit")->check(CLI::Range(0, server::kMostPerLimit));
  verb->add_option("--concurrent", o->key.concurrent, "requests at the same time; 0: no limit")
      ->check(CLI::Range(0, server::kMostPerLimit));
  verb->add_option("--priority", o->key.priority, "of its requests: lower ones come first; 0: as without a key")
      ->check(CLI::Range(-server::kMostPriority, server::kMostPriority));
  verb->add_option("--models", o->models, "that it may use: qwen2.5-7b,gemma*; else all");
  verb->add_option("--file", o->file, "key file to add it to; otherwise the line is printed");
  verb->callback([o] { make_key(*o); });
}

}  // namespace troika::apps
