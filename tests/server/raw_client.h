// A client that sends exactly the bytes it is told to, over a plain socket, and a server to talk to.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <thread>

#include "server/fake_engine.h"
#include "server/server.h"

namespace troika::server {

using Json = nlohmann::ordered_json;

struct RawReply {
  int status = 0;  // 0: none came
  std::string head, body;
  bool complete = false;  // the body had its announced length or its last chunk

  Json json() const {
    Json parsed = Json::parse(body, nullptr, false);
    return parsed.is_discarded() ? Json::object() : parsed;
  }
  Json error() const {
    const Json parsed = json();
    return parsed.contains("error") ? parsed["error"] : Json();
  }
  // The value of a header, "" when absent.
  std::string header(std::string name) const {
    const auto lower = [](std::string text) {
      std::ranges::transform(text, text.begin(), [](unsigned char c) { return char(std::tolower(c)); });
      return text;
    };
    const std::string all = lower(head);
    const size_t at = all.find("\r\n" + lower(name) + ": ");
    if (at == all.npos) return "";
    const size_t begin = at + name.size() + 4;
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
  // The data of all server-sent events.
  std::vector<std::string> events() const {
    std::vector<std::string> result;
    size_t at = 0;
    while (at < body.size()) {
      const size_t end = body.find("\n\n", at);
      if (end == body.npos) break;
      const std::string event = body.substr(at, end - at);
      if (event.starts_with("data: ")) result.push_back(event.substr(6));
      at = end + 2;
    }
    return result;
  }
  // The same parsed, but for [DONE], which must be the last.
  std::vector<Json> chunks() const {
    std::vector<Json> result;
    auto all = events();
    EXPECT_FALSE(all.empty()) << body;
    if (all.empty()) return result;
    EXPECT_EQ(all.back(), "[DONE]");
    all.pop_back();
    for (const std::string& event : all) result.push_back(Json::parse(event));
    return result;
  }
};

class RawClient {
 public:
  explicit RawClient(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  virtual ~RawClient() { hang_up(); }
  RawClient(const RawClient&) = delete;

  bool connected() const { return connected_; }

  // False when the server has closed before all was sent.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = send_some(bytes);
      if (count <= 0) return false;
      bytes.remove_prefix(size_t(count));
    }
    return true;
  }
  void end_sending() { ::shutdown(socket_, SHUT_WR); }
  virtual void hang_up() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

  // Reads until `text` has come in or the server closes; false then.
  bool wait_for(std::string_view text, int timeout_ms = 10000) {
    while (received_.find(text) == received_.npos)
      if (!receive(timeout_ms)) return false;
    return true;
  }
  bool closed_within(int timeout_ms) {
    while (receive(timeout_ms)) {
    }
    return closed_;
  }
  const std::string& received() const { return received_; }

  RawReply read_reply(bool has_body = true) {
    RawReply reply;
    while (received_.find("\r\n\r\n") == received_.npos)
      if (!receive()) return reply;
    const size_t end = received_.find("\r\n\r\n");
    reply.head = received_.substr(0, end + 2);
    received_.erase(0, end + 4);
    reply.status = std::stoi(reply.head.substr(9, 3));
    if (!has_body || reply.status < 200) {
      reply.complete = true;
    } else if (reply.header("Transfer-Encoding") == "chunked") {
      reply.complete = read_chunks(reply.body);
    } else if (const std::string length = reply.header("Content-Length"); !length.empty()) {
      const size_t bytes = std::stoul(length);
      while (received_.size() < bytes && receive()) {
      }
      reply.body = received_.substr(0, bytes);
      reply.complete = reply.body.size() == bytes;
      received_.erase(0, reply.body.size());
    } else {
      while (receive()) {
      }
      reply.body = std::move(received_);
      received_.clear();
      reply.complete = closed_;
    }
    return reply;
  }

  RawReply get(const std::string& path) {
    send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return read_reply();
  }
  RawReply post(const std::string& path, const std::string& body) {
    send(post_text(path, body));
    return read_reply();
  }
  static std::string post_text(const std::string& path, const std::string& body) {
    return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
  }

 protected:
  virtual ssize_t send_some(std::string_view bytes) {
    return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  virtual ssize_t receive_some(std::span<char> bytes) { return ::recv(socket_, bytes.data(), bytes.size(), 0); }
  virtual bool has_more() { return false; }  // that has come already

  int socket_;

 private:
  bool read_chunks(std::string& body) {
    for (;;) {
      size_t line;
      while ((line = received_.find("\r\n")) == received_.npos)
        if (!receive()) return false;
      const size_t bytes = std::stoul(received_.substr(0, line), nullptr, 16);
      while (received_.size() < line + 2 + bytes + 2)
        if (!receive()) return false;
      body += received_.substr(line + 2, bytes);
      received_.erase(0, line + 2 + bytes + 2);
      if (bytes == 0) return true;
    }
  }

  bool receive(int timeout_ms = 10000) {
    pollfd wait{.fd = socket_, .events = POLLIN};
    if (!has_more() && ::poll(&wait, 1, timeout_ms) <= 0) return false;
    char bytes[65536];
    const ssize_t count = receive_some(bytes);
    if (count <= 0) {
      closed_ = true;
      return false;
    }
    received_.append(bytes, size_t(count));
    return true;
  }

  bool connected_ = false, closed_ = false;
  std::string received_;
};

// A server over a FakeEngine. Change `options` and the engine's script before the first `port()`.
class ServerTest : public testing::Test {
 protected:
  ~ServerTest() override { stop(); }

  uint16_t port() {
    if (!server_) {
      options.port = 0;
      server_ = std::make_unique<Server>(
          options, std::vector<ServedModel>{{.id = "fake/model:1", .aliases = {"fake"}, .engine = &engine}});
      thread_ = std::thread([this] { server_->run(); });
    }
    return server_->port();
  }
  void stop() {
    if (!thread_.joinable()) return;
    server_->stop();
    thread_.join();
  }

  // A client that asks gets 100,000 tokens, must read them, and others are turned away as long as it is there.
  void answer_one_client_at_length() {
    options.write_timeout = std::chrono::milliseconds(300);
    options.max_connections = 1;
    engine.info().context_length = 200'000;
    engine.script = [](const engine::Request&) { return std::vector<int32_t>(100'000, 'a'); };
  }

  RawReply get(const std::string& path) { return RawClient(port()).get(path); }
  RawReply post(const std::string& path, const std::string& body) {
    return RawClient(port()).post(path, body);
  }
  RawReply chat(const Json& more = Json::object()) {
    return post("/v1/chat/completions", chat_body(more).dump());
  }
  RawReply complete(const Json& more = Json::object()) {
    Json body = {{"prompt", "Say"}, {"max_tokens", 100}};
    body.update(more);
    return post("/v1/completions", body.dump());
  }
  static Json chat_body(const Json& more = Json::object()) {
    Json body = {{"messages", {{{"role", "user"}, {"content", "Hi"}}}}};
    body.update(more);
    return body;
  }

  // Whether the last request's answer may be this text.
  bool takes(const std::string& text) {
    grammar::Matcher matcher(engine.last_request().grammar);
    return matcher.accept(std::string_view(text)) && matcher.may_end();
  }

  FakeEngine engine;
  ServerOptions options;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

// Resident memory of this process, in bytes.
inline size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  size_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * size_t(::sysconf(_SC_PAGESIZE));
}

}  // namespace troika::server
