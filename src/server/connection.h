// One client's connection: reads requests one after the other, has them answered, writes the answers, and
// keeps an eye on the peer while an answer is in the making. Lives on the server's one I/O thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "server/access.h"
#include "server/api_error.h"
#include "server/http.h"
#include "server/models.h"
#include "server/server.h"
#include "server/stream.h"

namespace troika::server {

struct Match;

// What all connections share.
struct Shared {
  const ServerOptions& options;
  Models& models;
  Access& access;
  const std::optional<OriginCheck>& origins;
  boost::asio::thread_pool& pool;
  boost::asio::thread_pool& fetchers;
  std::unique_ptr<const Tls> tls;  // of connections to come; null: they are plain
  bool draining = false;  // answer what has begun, then close
  size_t body_bytes = 0;  // of the requests that are in memory; of the server's thread
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::ip::tcp::socket socket, Shared& shared);

  // Until the connection is over; does not throw.
  boost::asio::awaitable<void> run();

  // For shutting down.
  void close_if_idle();
  void close();

 private:
  template <typename T>
  using awaitable = boost::asio::awaitable<T>;
  struct Incoming;
  struct Parser;

  awaitable<bool> open();
  awaitable<bool> serve_one();  // false: close the connection
  awaitable<bool> read_first_byte();
  awaitable<boost::system::error_code> receive(size_t most_bytes);
  awaitable<boost::system::error_code> parse_some(Parser& parser);
  awaitable<bool> read_request(Incoming& incoming);
  awaitable<Reply> make_reply(Incoming& incoming);
  awaitable<Reply> answer_known_page(Incoming& incoming);
  awaitable<bool> wait_for_model(const Match& match, Incoming& incoming, bool streamed);
  awaitable<bool> say_loading(const Match& match, Incoming& incoming);
  awaitable<Reply> make_later(const Match& match, const HttpRequest& request, const Reply& reply);
  void note(const Incoming& incoming, bool sent);
  std::optional<Reply> refuse_by_head(const HttpRequest& request);
  awaitable<void> refuse_and_close(const Reply& reply, const std::string& id);
  awaitable<bool> send(Incoming& incoming, Reply reply);
  awaitable<bool> send_work(Incoming& incoming, Reply& reply);
  awaitable<bool> send_whole(Incoming& incoming, Reply& reply);
  awaitable<Progress> take_rest(std::function<Progress()> rest);
  awaitable<bool> send_stream(const Incoming& incoming, Reply& reply);
  awaitable<bool> end_stream(const Incoming& incoming, const Reply& reply);
  awaitable<void> watch_peer();
  awaitable<bool> wait_for_work();
  awaitable<bool> write(std::string bytes);
  awaitable<void> linger();

  void expect_within(std::chrono::milliseconds time);  // cancels the stream's operations otherwise
  void expect_nothing();

  boost::asio::any_io_executor executor() { return stream_.socket().get_executor(); }

  Stream stream_;
  Shared& shared_;
  boost::beast::flat_buffer buffer_;  // received and not yet parsed
  boost::asio::steady_timer deadline_;
  boost::asio::steady_timer bell_;  // its wait is cancelled when work has something new
  bool rung_ = false;
  bool timed_out_ = false;
  bool idle_ = false;  // before a request or between two
};

}  // namespace troika::server
