// What passes between the connection, which knows sockets, and the APIs, which know JSON: a request, a reply,
// and work that a reply may still have to do. Plain data; no socket library here.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/role.h"

namespace troika::server {

class Lease;
class PendingLoad;

// How a request comes to its model: what is known of that between two attempts to answer it (Models::find).
struct ModelSearch {
  std::vector<std::string> candidates;  // that may still answer, the one in turn first; empty: not looked for yet
  std::string refusals;                 // why others cannot
  std::shared_ptr<PendingLoad> pending; // what it waits for
  std::shared_ptr<const Lease> lease;   // the model that answers, kept until the answer is sent
  std::string model;                    // its name, also where an alias was asked for
  int replica = 0;                      // of it, from 1; 0: there is one only
  int waiting = 0;                      // requests that its engine had not begun when this one came
};

struct HttpRequest {
  std::string id;  // "req_…", also in the answer's headers
  std::string method;
  std::string path;  // percent-decoded, without the query
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  Caller caller;

  mutable ModelSearch search;

  // The first header of this name, which is in lower case; "" when there is none.
  std::string_view header(std::string_view name) const {
    for (const auto& [key, value] : headers)
      if (key == name) return value;
    return "";
  }
};

// A step of an answer that takes time.
struct Progress {
  std::string bytes;  // streamed: to be sent now. Otherwise, when done: the whole body
  bool done = false;
  int status = 200;  // when done, if the answer is not streamed
  // Set, if the answer is not streamed: what is left is to make a body that may be large. Called once, on a
  // thread that may take its time; its result is done.
  std::function<Progress()> rest;
};

// An answer in the making. One thread at a time calls it: the connection's, but for a last step's `rest`.
// Destroying it gives up what still runs.
class Work {
 public:
  virtual ~Work() = default;

  // `wake` is called from any thread, never after the destructor, whenever `advance` has something new.
  virtual void on_ready(std::function<void()> wake) = 0;

  virtual Progress advance() = 0;

  // Destroying it may have to wait, so another thread does it.
  virtual bool ends_slowly() const { return false; }
};

struct Reply {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::unique_ptr<Work> work;  // set: `body` is empty and comes from here
  bool streamed = false;       // with `work`: its bytes are sent as they come
  std::string ping;            // with `streamed`: what keeps a silent stream alive; "": nothing may be sent
  // Set: this is no reply yet. It comes from here, after decoding pictures or waiting for other machines, on a thread
  // that may take its time; soon after a stop is requested, nobody wants it any more.
  std::function<Reply(const std::stop_token&)> later;
  bool waits = false;  // this is no reply yet: ask again when ModelSearch::pending is done
};

// `prefix` and 24 random hexadecimal digits.
std::string random_id(const char* prefix);

}  // namespace troika::server
