// The HTTP server: OpenAI's API over the engines it is given. One thread moves bytes; parsing, rendering and
// tokenising happen on a small pool; the engines' threads only drop events into mailboxes.
//
//   Server server({.port = 8000}, {{.id = "qwen2.5-7b", .engine = engine.get()}});
//   server.run();   // until stop(), from another thread or, with handle_signals, SIGINT or SIGTERM
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "server/api_keys.h"
#include "server/image_options.h"
#include "server/origin_check.h"
#include "server/tls.h"

namespace troika::server {

// How models are loaded that are not there from the beginning; see ModelPool.
struct LoadOptions {
  uint64_t memory_bytes = 0;                        // that loaded models may take together; 0: as they come
  uint64_t cache_bytes = uint64_t{512} << 20;       // that a model takes besides its file, about
  std::chrono::duration<double> keep{-1};           // that one stays without use; negative: until the room is needed
};

class ModelSource;

// A name that stands for the first of these models that is to be had.
struct ModelAlias {
  std::string name;
  std::vector<std::string> models;
};

struct ServerOptions {
  std::string host = "127.0.0.1";  // an address or "localhost"
  uint16_t port = 8000;            // 0: any free one; see Server::port
  size_t body_bytes = 32u << 20;
  size_t all_bodies_bytes = 512u << 20;  // of all requests that are being read or answered
  uint32_t header_bytes = 16u << 10;
  size_t max_connections = 512;
  int workers = 3;              // threads that parse, render and tokenise
  int fetchers = 4;             // threads for pictures: decoding them, and waiting for other machines
  bool handle_signals = false;  // SIGINT and SIGTERM call stop, a second one ends at once; SIGHUP calls reload
  ImageOptions images;
  OriginOptions origins;
  std::function<std::vector<ApiKey>()> read_keys;  // absent: whoever reaches the port may do everything
  std::optional<TlsFiles> tls;  // absent: plain HTTP
  std::string version = "0";  // of the program, for those who ask
  int queue = 128;            // requests that may wait for a model; more are refused with 503
  std::filesystem::path system_root = "/";  // below which sys/ lies; another in tests
  std::shared_ptr<power::Governor> power;  // that the models' engines obey, for those who ask; null: none
  ModelSource* source = nullptr;  // of models that can be loaded; outlives the server
  LoadOptions loading;
  std::vector<ModelAlias> aliases;

  // How long a client may take. Each is for one piece of progress, not for a whole upload or download.
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds body_timeout{60'000};
  std::chrono::milliseconds idle_timeout{75'000};  // between two requests of one connection
  std::chrono::milliseconds write_timeout{60'000};
  std::chrono::milliseconds drain_timeout{5'000};   // what running answers get after stop
  std::chrono::milliseconds ping_interval{15'000};  // a comment line keeps a silent stream alive
  // A stream whose model is being loaded is told how far that is, for the first time and from then on. What goes quicker,
  // or is refused at once, has a status of its own.
  std::chrono::milliseconds first_progress{250}, progress_interval{1'000};
};

struct ServedModel {
  std::string id;                    // what clients call it
  std::vector<std::string> aliases;  // also accepted in requests
  engine::Engine* engine = nullptr;  // outlives the server
};

class Server {
 public:
  // Opens the port. Throws Error when it is taken, the host is unknown, the certificate is no good or an alias makes no
  // sense. `models` are loaded already and stay.
  Server(ServerOptions options, std::vector<ServedModel> models);
  ~Server();

  // Loads a model of the source and returns when that is done. Throws Error.
  void load(const std::string& id);

  // Serves on the calling thread until stop; call it once.
  void run();

  // Any thread: stops accepting, lets running answers end within drain_timeout, then run returns.
  void stop();

  // Any thread: reads the keys, the certificate and its key again. What makes no sense changes nothing and is logged.
  void reload();

  uint16_t port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace troika::server
