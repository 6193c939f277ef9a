// An HTTP server on a loopback port whose answers a test writes; it keeps every request.
#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace troika::store {

struct FakeRequest {
  std::string method, target;
  std::map<std::string, std::string> headers;  // names in lower case

  std::string header(const std::string& name) const {
    auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
  // First byte that is asked for; 0 without a range.
  size_t begin() const {
    std::string range = header("range");
    return range.empty() ? 0 : size_t(std::stoull(range.substr(range.find('=') + 1)));
  }
};

struct FakeAnswer {
  std::string status = "200 OK";
  std::map<std::string, std::string> headers;
  std::string body;
  size_t cut_after = std::string::npos;  // bytes of the body, then the connection ends
};

class FakeServer {
 public:
  using Handler = std::function<FakeAnswer(const FakeRequest&)>;

  explicit FakeServer(Handler handler, in_addr_t host = INADDR_LOOPBACK) : handler_(std::move(handler)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(host);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }
  ~FakeServer() {
    thread_.request_stop();
    thread_.join();
    workers_.clear();
    ::close(listener_);
  }

  std::string url(const std::string& host = "127.0.0.1") const { return fmt::format("http://{}:{}", host, port_); }
  std::vector<FakeRequest> requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd wait{.fd = listener_, .events = POLLIN};
      if (::poll(&wait, 1, 10) <= 0) continue;
      int client = ::accept(listener_, nullptr, nullptr);
      workers_.emplace_back([this, client] { answer(client); });
    }
  }

  void answer(int client) {
    std::string text;
    char buffer[4096];
    while (text.find("\r\n\r\n") == text.npos) {
      ssize_t got = ::recv(client, buffer, sizeof buffer, 0);
      if (got <= 0) break;
      text.append(buffer, size_t(got));
    }
    FakeRequest request = parse(text);
    {
      std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    FakeAnswer answer = handler_(request);
    std::string reply = fmt::format("HTTP/1.1 {}\r\nConnection: close\r\n", answer.status);
    for (const auto& [name, value] : answer.headers) reply += fmt::format("{}: {}\r\n", name, value);
    if (!answer.headers.contains("Content-Length")) reply += fmt::format("Content-Length: {}\r\n", answer.body.size());
    reply += "\r\n";
    if (request.method != "HEAD") reply += answer.body.substr(0, answer.cut_after);
    for (size_t done = 0; done < reply.size();) {
      ssize_t sent = ::send(client, reply.data() + done, reply.size() - done, MSG_NOSIGNAL);
      if (sent <= 0) break;
      done += size_t(sent);
    }
    ::close(client);
  }

  static FakeRequest parse(const std::string& text) {
    FakeRequest request;
    size_t space = text.find(' '), end = text.find("\r\n");
    request.method = text.substr(0, space);
    request.target = text.substr(space + 1, text.find(' ', space + 1) - space - 1);
    while (end + 2 < text.size()) {
      size_t begin = end + 2, colon = text.find(':', begin);
      end = text.find("\r\n", begin);
      if (end == text.npos || colon > end) break;
      std::string name = text.substr(begin, colon - begin);
      for (char& c : name) c = char(std::tolower(static_cast<unsigned char>(c)));
      request.headers[name] = text.substr(colon + 2, end - colon - 2);
    }
    return request;
  }

  Handler handler_;
  int listener_ = -1;
  uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<FakeRequest> requests_;
  std::vector<std::jthread> workers_;
  std::jthread thread_;
};

}  // namespace troika::store
