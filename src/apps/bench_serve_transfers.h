// HTTP requests that run side by side on the calling thread (libcurl). Connections are kept and used again.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "apps/server_trust.h"

namespace troika::apps::load {

struct Transfer {
  std::string url;
  std::string body;  // JSON, sent by POST; "": GET
  // Called with each piece of the body as it arrives. False: hang up.
  std::function<bool(int status, std::string_view bytes)> receive;
  // Called once, at the end; not after hang_up_all. `error`: what went wrong below HTTP, "" when nothing did;
  // also when `receive` said to hang up.
  std::function<void(int status, const std::string& error)> end;
};

class Transfers {
 public:
  Transfers(const std::string& api_key, double timeout_s, ServerTrust trust);
  ~Transfers();
  Transfers(const Transfers&) = delete;

  void start(Transfer transfer);

  // Moves what there is to move, waits for at most so long if that is nothing, and calls back.
  void turn(double most_s);

  void hang_up_all();

  // A whole exchange. Throws Error when nothing answers.
  struct Reply {
    int status = 0;
    std::string body;
  };
  Reply fetch(const std::string& url, const std::string& body);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace troika::apps::load
