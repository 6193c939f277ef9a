// See connection.h. While an answer is made, two coroutines run side by side: one sends what the work yields,
// the other reads. The reader keeps bytes of a next request for later; when it meets the end of the stream,
// the peer has hung up, the sender is cancelled and the work destroyed, which frees its sequences.
#include "server/connection.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/read_size.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <ctime>

#include "base/log.h"
#include "base/platform.h"
#include "server/api_error.h"
#include "server/routes.h"

namespace troika::server {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using namespace boost::asio::experimental::awaitable_operators;
using boost::system::error_code;

namespace {

constexpr size_t kBufferBytes = 64 << 10;  // at most this much of next requests is read ahead
constexpr size_t kSmallPiece = 4096;       // where a head, if anything, is expected
constexpr size_t kLargeBody = 1 << 20;     // memory of larger ones goes back to the system at once
constexpr size_t kBodyPiece = 64 << 10;    // progress that a body must make within body_timeout
constexpr size_t kUnreadBody = 64 << 10;   // where no route reads it, and nobody keeps it
constexpr int kClientGone = 499;           // in the log, for what was never sent
constexpr size_t kWritePiece = 64 << 10;   // progress that a client must let us make within write_timeout
constexpr auto kLinger = std::chrono::seconds(2);

int from_hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The path of a request target: without scheme, host and query, percent-decoded.
std::string path_of(std::string_view target) {
  if (target.starts_with("http://") || target.starts_with("https://")) {
    const size_t slash = target.find('/', target.find("://") + 3);
    target = slash == target.npos ? "/" : target.substr(slash);
  }
  target = target.substr(0, target.find_first_of("?#"));
  std::string path;
  for (size_t i = 0; i < target.size(); ++i) {
    if (target[i] == '%' && i + 2 < target.size() && from_hex(target[i + 1]) >= 0 &&
        from_hex(target[i + 2]) >= 0) {
      path += char(from_hex(target[i + 1]) * 16 + from_hex(target[i + 2]));
      i += 2;
    } else {
      path += target[i];
    }
  }
  return path;
}

std::string http_date() {
  char text[40];
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  const size_t length = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text, length};
}

// What to say about a request that could not be read; nothing when nobody is there to hear it.
std::optional<ApiError> refusal_of(error_code error, bool timed_out) {
  const auto refusal = [](int status, const char* message, const char* code) {
    return ApiError(status, "invalid_request_error", message, "", code);
  };
  if (timed_out) return refusal(408, "The request came too slowly.", "request_timeout");
  if (error == http::error::body_limit)
    return refusal(413, "The request body is too large.", "request_too_large");
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return refusal(431, "The request's headers are too large.", "headers_too_large");
  if (error == http::error::partial_message)
    return refusal(400, "The request ended before its announced length.", "");
  const bool about_http = error.category() == make_error_code(http::error::bad_method).category();
  if (about_http && error != http::error::end_of_stream)
    return refusal(400, "This is not a valid HTTP/1.1 request.", "");
  return std::nullopt;
}

std::string chunk_of(std::string_view bytes) { return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes); }

}  // namespace

// What a request's body takes of the memory for all bodies.
class BodyShare {
 public:
  explicit BodyShare(size_t& all) : all_(all) {}
  ~BodyShare() { release(); }
  BodyShare(const BodyShare&) = delete;

  void add(size_t bytes) {
    own_ += bytes;
    all_ += bytes;
  }
  void release() {
    all_ -= own_;
    own_ = 0;
  }

 private:
  size_t& all_;
  size_t own_ = 0;
};

struct Connection::Incoming {
  explicit Incoming(Shared& shared) : share(shared.body_bytes) {}

  HttpRequest request;
  BodyShare share;
  std::string id = random_id("req_");
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
  std::string_view route = Traffic::kNoRoute;
  Permit permit;            // of the caller's key, until the answer is sent
  bool metered = false;
  int status = 0;           // of the answer
  int version = 11;         // 10 or 11
  bool keep_alive = false;  // after this answer
  Events begun = Events::none;  // else the head of such a stream is sent already

  bool chunked() const { return version >= 11; }
  bool head() const { return request.method == "HEAD"; }
};

namespace {

enum class BodyLength { known, chunked, until_close };

std::string head_of(const Reply& reply, const std::string& id, bool keep_alive, BodyLength length,
                    size_t bytes) {
  const bool has_body = reply.status != 204;
  std::string head = fmt::format("HTTP/1.1 {} {}\r\nServer: troika\r\nDate: {}\r\nx-request-id: {}\r\n", reply.status,
                                 std::string(http::obsolete_reason(http::status(reply.status))), http_date(), id);
  if (has_body) head += fmt::format("Content-Type: {}\r\n", reply.content_type);
  for (const auto& [name, value] : reply.headers) head += fmt::format("{}: {}\r\n", name, value);
  if (length == BodyLength::known && has_body) head += fmt::format("Content-Length: {}\r\n", bytes);
  if (length == BodyLength::chunked) head += "Transfer-Encoding: chunked\r\n";
  head += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return head;
}

}  // namespace

Connection::Connection(asio::ip::tcp::socket socket, Shared& shared)
    : stream_(std::move(socket), shared.tls.get()),
      shared_(shared),
      buffer_(2 * kBufferBytes + shared.options.header_bytes),
      deadline_(executor()),
      bell_(executor()) {}

asio::awaitable<void> Connection::run() {
  const auto self = shared_from_this();
  try {
    error_code ignored;
    stream_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    bool goes_on = co_await open();
    while (goes_on) goes_on = co_await serve_one();
  } catch (const boost::system::system_error&) {
    // Cancelled in the middle: the peer is gone, too slow, or the server ends.
  } catch (const std::exception& error) {
    log::error("a connection failed: {}", error.what());
  }
  close();
}

void Connection::close_if_idle() {
  if (idle_) close();
}

void Connection::close() {
  error_code ignored;
  stream_.socket().close(ignored);
  deadline_.cancel();
  bell_.cancel();
}

void Connection::expect_within(std::chrono::milliseconds time) {
  deadline_.expires_after(time);
  deadline_.async_wait([weak = weak_from_this()](error_code error) {
    const auto self = weak.lock();
    if (error || !self || self->deadline_.expiry() > std::chrono::steady_clock::now()) return;
    self->timed_out_ = true;
    error_code ignored;
    self->stream_.socket().cancel(ignored);
  });
}

void Connection::expect_nothing() { deadline_.expires_at(asio::steady_timer::time_point::max()); }

// False: there will be no requests.
asio::awaitable<bool> Connection::open() {
  idle_ = true;
  expect_within(shared_.options.header_timeout);
  const Stream::Opening opening = co_await stream_.open();
  expect_nothing();
  idle_ = false;
  if (opening == Stream::Opening::plain)
    co_await refuse_and_close(error_reply(ApiError(400, "invalid_request_error",
                                                   "This port speaks TLS: use https:// instead of http://.", "",
                                                   "https_expected")),
                              random_id("req_"));
  co_return opening == Stream::Opening::ready;
}

asio::awaitable<bool> Connection::serve_one() {
  if (!co_await read_first_byte()) co_return false;
  Incoming incoming(shared_);
  if (!co_await read_request(incoming)) co_return false;
  Reply reply = co_await make_reply(incoming);
  const bool large = incoming.request.body.size() > kLargeBody;
  incoming.request.body = {};
  incoming.share.release();
  if (large) platform::give_back_memory();
  incoming.status = reply.status;
  if (shared_.draining) incoming.keep_alive = false;
  const bool sent = co_await send(incoming, std::move(reply));
  note(incoming, sent);
  incoming.permit = {};  // whoever lingers has had the answer
  incoming.request.search.lease = nullptr;
  if (sent && !incoming.keep_alive) co_await linger();
  co_return sent&& incoming.keep_alive && !shared_.draining;
}

asio::awaitable<bool> Connection::read_first_byte() {
  if (buffer_.size() > 0) co_return true;
  idle_ = true;
  expect_within(shared_.options.idle_timeout);
  const error_code error = co_await receive(kSmallPiece);
  idle_ = false;
  co_return !error;
}

// What comes next, into the buffer.
asio::awaitable<error_code> Connection::receive(size_t most_bytes) {
  error_code error;
  const size_t count = co_await stream_.read_some(buffer_.prepare(most_bytes), error);
  buffer_.commit(count);
  co_return error;
}

struct Connection::Parser : http::request_parser<http::buffer_body> {};

// Gives the parser what is in the buffer, and more as it comes, until it has got on.
asio::awaitable<error_code> Connection::parse_some(Parser& parser) {
  error_code error = http::error::need_more;
  if (buffer_.size() > 0) buffer_.consume(parser.put(buffer_.data(), error));
  while (error == http::error::need_more) {
    const size_t room = boost::beast::read_size(buffer_, kBodyPiece);
    if (room == 0) co_return http::error::buffer_overflow;
    error = co_await receive(room);
    if (error == asio::error::eof) {
      if (!parser.got_some()) co_return http::error::end_of_stream;
      error = {};
      parser.put_eof(error);
    }
    if (error || parser.is_done()) break;
    buffer_.consume(parser.put(buffer_.data(), error));
  }
  co_return error;
}

asio::awaitable<bool> Connection::read_request(Incoming& incoming) {
  Parser parser;
  parser.header_limit(shared_.options.header_bytes);
  parser.body_limit(shared_.options.body_bytes);
  error_code error;

  expect_within(shared_.options.header_timeout);
  while (!error && !parser.is_header_done()) error = co_await parse_some(parser);
  parser.eager(true);
  auto& message = parser.get();
  if (!error) {
    incoming.request.id = incoming.id;
    incoming.request.method = std::string(message.method_string());
    incoming.request.path = path_of(std::string_view(message.target().data(), message.target().size()));
    for (const auto& field : message) {
      std::string name(field.name_string());
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return char(std::tolower(c)); });
      incoming.request.headers.emplace_back(std::move(name), std::string(field.value()));
    }
    incoming.version = int(message.version());
  }
  if (!error && !parser.is_done()) {
    // Bodies of strangers, and those that nobody reads, take no room from others'.
    if (const auto refusal = refuse_by_head(incoming.request)) {
      expect_nothing();
      co_await refuse_and_close(*refusal, incoming.id);
      co_return false;
    }
    if (boost::beast::iequals(message[http::field::expect], "100-continue") && message.version() >= 11 &&
        buffer_.size() == 0) {
      const bool sent = co_await write("HTTP/1.1 100 Continue\r\n\r\n");
      if (!sent) co_return false;
    }
    const Match match = match_route(incoming.request);
    const bool is_read = match.route && match.route->body;
    size_t unread = 0;
    std::vector<char> piece(kBodyPiece);
    while (!error && !parser.is_done()) {
      message.body() = {.data = piece.data(), .size = piece.size(), .more = true};
      expect_within(shared_.options.body_timeout);
      while (!error && !parser.is_done()) error = co_await parse_some(parser);
      if (error == http::error::need_buffer) error = {};
      const size_t read = piece.size() - message.body().size;
      if (!is_read) {
        unread += read;
        if (unread > kUnreadBody) error = http::error::body_limit;
        continue;
      }
      incoming.request.body.append(piece.data(), read);
      incoming.share.add(read);
      if (shared_.body_bytes > shared_.options.all_bodies_bytes) {
        expect_nothing();
        co_await refuse_and_close(error_reply(ApiError(503, "server_error",
                                                       "The server holds too many large requests; try again.", "",
                                                       "overloaded")),
                                  incoming.id);
        co_return false;
      }
    }
  }
  expect_nothing();

  if (error) {
    if (const auto refusal = refusal_of(error, timed_out_)) co_await refuse_and_close(error_reply(*refusal), incoming.id);
    co_return false;
  }
  incoming.keep_alive = parser.keep_alive();
  co_return true;
}

// For requests that cannot be read to their end.
asio::awaitable<void> Connection::refuse_and_close(const Reply& reply, const std::string& id) {
  shared_.models.traffic().count(Traffic::kNoRoute, reply.status);
  timed_out_ = false;
  const bool sent = co_await write(
      head_of(reply, id, false, BodyLength::known, reply.body.size()) + reply.body);
  if (sent) co_await linger();
}

// What the head alone refuses, limits apart: these are counted when the body is here.
std::optional<Reply> Connection::refuse_by_head(const HttpRequest& request) {
  if (auto reply = shared_.origins->intercept(request)) return reply;
  Match match = match_route(request);
  std::optional<Reply> refusal;
  if (!match.route) {
    refusal = std::move(match.reply);
  } else {
    const auto now = std::chrono::steady_clock::now();
    const Admission admission = shared_.access.admit(request, match.route->role, false, now);
    if (admission.refusal) refusal = error_reply(*admission.refusal, match.route->errors, request.id);
  }
  if (refusal) shared_.origins->let_read(request, *refusal);
  return refusal;
}

asio::awaitable<Reply> Connection::make_reply(Incoming& incoming) {
  HttpRequest& request = incoming.request;
  if (auto reply = shared_.origins->intercept(request)) co_return std::move(*reply);
  Reply reply = co_await answer_known_page(incoming);
  shared_.origins->let_read(request, reply);
  co_return reply;
}

// The answer to a request that comes from no strange page.
asio::awaitable<Reply> Connection::answer_known_page(Incoming& incoming) {
  HttpRequest& request = incoming.request;
  Match match = match_route(request);
  if (!match.route) co_return std::move(match.reply);
  incoming.route = match.route->path;
  incoming.metered = match.route->heavy && match.route->method == "POST";
  Admission admission =
      shared_.access.admit(request, match.route->role, incoming.metered, std::chrono::steady_clock::now());
  request.caller = std::move(admission.caller);
  if (admission.refusal) co_return error_reply(*admission.refusal, match.route->errors, request.id);
  incoming.permit = std::move(admission.permit);
  if (!match.route->heavy) co_return answer(match, shared_.models, request);
  const auto try_answer = [&] {
    return asio::co_spawn(
        shared_.pool, [&]() -> awaitable<Reply> { co_return answer(match, shared_.models, request); },
        asio::use_awaitable);
  };
  Reply reply = co_await try_answer();
  while (reply.waits) {
    if (!co_await wait_for_model(match, incoming, reply.streamed)) co_return Reply{.status = kClientGone};
    reply = co_await try_answer();
  }
  if (reply.later) co_return co_await make_later(match, request, reply);
  co_return reply;
}

// False: the peer hung up meanwhile.
asio::awaitable<bool> Connection::wait_for_model(const Match& match, Incoming& incoming, bool streamed) {
  using Clock = std::chrono::steady_clock;
  const auto executor = this->executor();
  const auto done = std::make_shared<bool>(false);  // of this thread
  const auto timer = std::make_shared<asio::steady_timer>(executor);
  incoming.request.search.pending->when_done([=] {
    asio::post(executor, [=] {
      *done = true;
      timer->cancel();
    });
  });
  const auto wait = [&]() -> awaitable<bool> {
    auto next = streamed ? Clock::now() + shared_.options.first_progress : Clock::time_point::max();
    while (!*done) {
      error_code ignored;
      timer->expires_at(next);
      co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      if (*done || Clock::now() < next) continue;
      next += shared_.options.progress_interval;
      if (!co_await say_loading(match, incoming)) co_return false;
    }
    co_return true;
  };
  const auto outcome = co_await (wait() || watch_peer());
  const bool waited = outcome.index() == 0 && std::get<0>(outcome);
  if (!waited) close();
  co_return waited;
}

// The stream's head, if it is not sent yet, and how far the model is.
asio::awaitable<bool> Connection::say_loading(const Match& match, Incoming& incoming) {
  std::string bytes;  // put together before it is awaited: g++ 12 destroys both sides of a ?: in there twice
  if (incoming.begun == Events::none) {
    incoming.begun = match.route->events;
    incoming.keep_alive = incoming.keep_alive && incoming.chunked();
    Reply head = stream_head(match, incoming.request);
    shared_.origins->let_read(incoming.request, head);
    bytes = head_of(head, incoming.id, incoming.keep_alive,
                    incoming.chunked() ? BodyLength::chunked : BodyLength::until_close, 0);
  }
  const std::string event = loading_event(incoming.begun, *incoming.request.search.pending);
  bytes += incoming.chunked() ? chunk_of(event) : event;
  co_return co_await write(std::move(bytes));
}

// A peer that hangs up meanwhile stops the waiting. The work itself is no coroutine: it uses what lies in this frame,
// so we leave it only when the work is done, and Asio must not cancel that wait.
asio::awaitable<Reply> Connection::make_later(const Match& match, const HttpRequest& request,
                                              const Reply& reply) {
  Reply made;
  bool is_made = false;  // of this thread
  std::stop_source stop;
  const auto executor = this->executor();
  asio::steady_timer done(executor, asio::steady_timer::time_point::max());
  asio::post(shared_.fetchers, [&, executor] {
    made = answer_later(match, reply, request, stop.get_token());
    asio::post(executor, [&] {
      is_made = true;
      done.cancel();
    });
  });
  const auto wait = [&]() -> awaitable<void> {
    error_code ignored;
    while (!is_made) co_await done.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  };
  co_await (wait() || watch_peer());
  const bool gone = !is_made;
  if (gone) stop.request_stop();
  co_await wait();
  if (gone) {
    close();
    made = {.status = kClientGone};
  }
  co_return made;
}

// Counts the request and writes it down: who, what and how it ended, never what was said. The path comes from a
// stranger, the route from our table; so the log has the route.
void Connection::note(const Incoming& incoming, bool sent) {
  shared_.models.traffic().count(incoming.route, incoming.status);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - incoming.began;
  const std::string& key = incoming.request.caller.name;
  log::log(incoming.metered ? log::level::info : log::level::debug, "{} {} {} {}{} in {:.3f} s{}{}", incoming.id,
           incoming.request.method, incoming.route, incoming.status, sent ? "" : " (client gone)", took.count(),
           key.empty() ? "" : " key=", key);
}

asio::awaitable<bool> Connection::send(Incoming& incoming, Reply reply) {
  if (reply.status == kClientGone) co_return false;
  if (incoming.begun != Events::none && !reply.work) co_return co_await end_stream(incoming, reply);
  if (reply.work) {
    if (reply.streamed && !incoming.chunked()) incoming.keep_alive = false;
    auto outcome = co_await (send_work(incoming, reply) || watch_peer());
    if (reply.work->ends_slowly()) asio::post(shared_.fetchers, [work = std::move(reply.work)] {});
    reply.work.reset();
    expect_nothing();
    co_return outcome.index() == 0 && std::get<0>(outcome);
  }
  std::string bytes = head_of(reply, incoming.id, incoming.keep_alive, BodyLength::known, reply.body.size());
  if (!incoming.head()) bytes += reply.body;
  co_return co_await write(std::move(bytes));
}

// Must not throw: the two coroutines of `send` end when one of them returns.
asio::awaitable<bool> Connection::send_work(Incoming& incoming, Reply& reply) {
  try {
    reply.work->on_ready([weak = weak_from_this(), executor = executor()] {
      asio::post(executor, [weak] {
        if (const auto self = weak.lock()) {
          self->rung_ = true;
          self->bell_.cancel();
        }
      });
    });
    if (reply.streamed)
      co_return co_await send_stream(incoming, reply);  // no ?: here, g++ 12 destroys both twice
    co_return co_await send_whole(incoming, reply);
  } catch (const boost::system::system_error&) {  // cancelled
  } catch (const std::exception& error) {
    log::error("{} {} {}: {}", incoming.id, incoming.request.method, incoming.route, error.what());
  }
  co_return false;
}

asio::awaitable<bool> Connection::send_whole(Incoming& incoming, Reply& reply) {
  Progress progress = reply.work->advance();
  while (!progress.done && !progress.rest) {
    co_await wait_for_work();
    if (!stream_.socket().is_open()) co_return false;
    progress = reply.work->advance();
  }
  if (progress.rest) progress = co_await take_rest(std::move(progress.rest));
  reply.status = incoming.status = progress.status;
  co_return co_await write(
      head_of(reply, incoming.id, incoming.keep_alive, BodyLength::known, progress.bytes.size()) +
      progress.bytes);
}

// Large bodies are made on the pool, so that others' bytes move on meanwhile. What makes them uses the work,
// which our caller destroys: a peer that hangs up must not cancel this wait, and is met by the write that
// follows.
asio::awaitable<Progress> Connection::take_rest(std::function<Progress()> rest) {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  Progress progress = co_await asio::co_spawn(
      shared_.pool, [&]() -> awaitable<Progress> { co_return rest(); }, asio::use_awaitable);
  co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
  co_return progress;
}

asio::awaitable<bool> Connection::send_stream(const Incoming& incoming, Reply& reply) {
  const bool chunked = incoming.chunked();
  std::string bytes;
  if (incoming.begun == Events::none)
    bytes = head_of(reply, incoming.id, incoming.keep_alive, chunked ? BodyLength::chunked : BodyLength::until_close, 0);
  for (;;) {
    const Progress progress = reply.work->advance();
    if (!progress.bytes.empty()) bytes += chunked ? chunk_of(progress.bytes) : progress.bytes;
    if (progress.done && chunked) bytes += "0\r\n\r\n";
    if (!bytes.empty()) {
      const bool written = co_await write(std::move(bytes));
      if (!written) co_return false;
    }
    bytes.clear();
    if (progress.done) co_return true;
    const bool silent = !co_await wait_for_work();
    if (silent && !reply.ping.empty()) bytes = chunked ? chunk_of(reply.ping) : reply.ping;
  }
}

// A stream that was begun while its model was being loaded, and then there was a refusal.
asio::awaitable<bool> Connection::end_stream(const Incoming& incoming, const Reply& reply) {
  std::string bytes = refusal_event(incoming.begun, reply);
  if (incoming.chunked()) bytes = chunk_of(bytes) + "0\r\n\r\n";
  co_return co_await write(std::move(bytes));
}

// True when the bell has rung, false after ping_interval without.
asio::awaitable<bool> Connection::wait_for_work() {
  if (!rung_) {
    error_code ignored;
    bell_.expires_after(shared_.options.ping_interval);
    co_await bell_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  co_return std::exchange(rung_, false);
}

// Returns when the peer has hung up.
asio::awaitable<void> Connection::watch_peer() {
  while (buffer_.size() < kBufferBytes) {
    const error_code error = co_await receive(kSmallPiece);
    if (error) co_return;
  }
  // Enough of next requests; from here on only writing tells whether the peer is there.
  asio::steady_timer never(executor(), asio::steady_timer::time_point::max());
  co_await never.async_wait(asio::use_awaitable);
}

asio::awaitable<bool> Connection::write(std::string bytes) {
  for (size_t done = 0; done < bytes.size();) {
    expect_within(shared_.options.write_timeout);
    error_code error;
    const size_t piece = std::min(kWritePiece, bytes.size() - done);
    done += co_await stream_.write_some(asio::buffer(bytes.data() + done, piece), error);
    if (error && timed_out_) {
      // The peer does not read: close with a reset, or the kernel keeps megabytes for it for minutes.
      error_code ignored;
      stream_.socket().set_option(asio::socket_base::linger(true, 0), ignored);
    }
    if (error) co_return false;
  }
  expect_nothing();
  co_return true;
}

// Closing a socket with unread bytes resets the connection and may take our last answer from the peer's
// hands: so first end our side, then swallow what still comes for a moment.
asio::awaitable<void> Connection::linger() {
  error_code error;
  idle_ = true;
  expect_within(kLinger);
  co_await stream_.end_sending(error);
  while (!error && !timed_out_) co_await stream_.swallow_some(error);
}

}  // namespace troika::server
