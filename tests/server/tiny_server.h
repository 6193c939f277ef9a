// A server that says what it is told to, whatever it is asked: what a URL may lead to.
#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <string_view>
#include <thread>

namespace troika::server {

// Answers every connection with `answer`, then holds it open if `hangs`.
class TinyServer {
 public:
  explicit TinyServer(std::string answer, bool hangs = false) : answer_(std::move(answer)), hangs_(hangs) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }
  ~TinyServer() {
    thread_.request_stop();
    thread_.join();
    ::close(listener_);
  }

  std::string url(const char* path = "/x.png") const { return fmt::format("http://127.0.0.1:{}{}", port_, path); }
  int connections() const { return connections_; }
  bool asked() const { return asked_; }
  bool left() const { return left_; }  // the peer closed a connection that was held open

 private:
  void serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd wait{.fd = listener_, .events = POLLIN};
      if (::poll(&wait, 1, 20) <= 0) continue;
      const int client = ::accept(listener_, nullptr, nullptr);
      ++connections_;
      char request[4096];
      if (::recv(client, request, sizeof request, 0) > 0) asked_ = true;
      for (size_t done = 0; done < answer_.size();) {
        const ssize_t sent = ::send(client, answer_.data() + done, answer_.size() - done, MSG_NOSIGNAL);
        if (sent <= 0) break;
        done += size_t(sent);
      }
      while (hangs_ && !stop.stop_requested()) {
        pollfd peer{.fd = client, .events = POLLIN};
        left_ = ::poll(&peer, 1, 20) > 0 && ::recv(client, request, sizeof request, 0) <= 0;
        if (left_) break;
      }
      ::close(client);
    }
  }

  std::string answer_;
  bool hangs_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::atomic<bool> asked_{false}, left_{false};
  std::jthread thread_;
};

inline std::string http(std::string_view status, std::string_view body, std::string_view more = "") {
  return fmt::format("HTTP/1.1 {}\r\n{}Content-Length: {}\r\n\r\n{}", status, more, body.size(), body);
}

}  // namespace troika::server
