// A server that loads its models when they are asked for.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

#include "server/fake_source.h"
#include "server/raw_client.h"
#include "server/server.h"

namespace troika::server {

// Whether it comes about within some seconds.
template <typename Condition>
bool soon(const Condition& condition) {
  for (int i = 0; i < 2000 && !condition(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return condition();
}

// Over the models of a FakeSource; change `options` and `source` before the first `port()`.
class SeveralModels : public testing::Test {
 protected:
  ~SeveralModels() override {
    if (!server_) return;
    server_->stop();
    thread_.join();
  }
  uint16_t port() {
    if (!server_) {
      options.port = 0;
      options.source = &source;
      server_ = std::make_unique<Server>(options, std::vector<ServedModel>{});
      thread_ = std::thread([this] { server_->run(); });
    }
    return server_->port();
  }
  RawReply post(const std::string& path, const Json& body) { return RawClient(port()).post(path, body.dump()); }
  RawReply get(const std::string& path) { return RawClient(port()).get(path); }
  RawReply complete(const std::string& model, const Json& more = Json::object()) {
    Json body = {{"model", model}, {"prompt", "Say"}, {"max_tokens", 100}};
    body.update(more);
    return post("/v1/completions", body);
  }
  std::string state_of(const std::string& model) { return get("/v1/models/" + model).json().value("status", ""); }

  FakeSource source;
  ServerOptions options;

 private:
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

}  // namespace troika::server
