// See server.h: the listener, the signals, and the orderly end.
#include "server/server.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>
#include <future>
#include <set>

#include "base/error.h"
#include "base/log.h"
#include "server/connection.h"

namespace troika::server {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr int kTurnedAway = 64;  // at the same time; more are not even told why
constexpr std::chrono::seconds kTurningAway(1);

struct Server::Impl {
  Impl(ServerOptions options, std::vector<ServedModel> models);
  ~Impl() { models.pool().stop(); }  // before what its wakes would post to

  std::unique_ptr<const Tls> read_tls() const { return options.tls ? std::make_unique<Tls>(*options.tls) : nullptr; }
  void listen();
  asio::awaitable<void> accept();
  asio::awaitable<void> serve(std::shared_ptr<Connection> connection);
  asio::awaitable<void> turn_away(std::shared_ptr<tcp::socket> socket);
  void on_signal();
  void on_hangup();
  void reload();
  void drain();
  void end_when_empty();

  const ServerOptions options;
  Models models;
  Access access;
  std::optional<OriginCheck> origins;  // once we know where we listen
  asio::io_context io{1};
  asio::thread_pool pool, fetchers;
  Shared shared;
  tcp::acceptor acceptor;
  asio::signal_set signals, hangup;
  asio::steady_timer drain_timer;
  std::set<Connection*> connections;
  int turned_away = 0;  // and still being told so
  uint16_t port = 0;
};

Server::Impl::Impl(ServerOptions given, std::vector<ServedModel> served)
    : options(std::move(given)),
      models(std::move(served), options),
      access(options.read_keys ? Access(options.read_keys()) : Access()),
      pool(size_t(std::max(1, options.workers))),
      fetchers(size_t(std::max(1, options.fetchers))),
      shared{options, models, access, origins, pool, fetchers, read_tls()},
      acceptor(io),
      signals(io),
      hangup(io),
      drain_timer(io) {
  listen();
  if (options.handle_signals) hangup.add(SIGHUP);  // also while models are loaded: it is heard once we run
}

void Server::Impl::listen() {
  if (options.host.empty()) fail("the host to listen on is empty");  // the resolver would take every address
  error_code error;
  tcp::resolver resolver(io);
  const auto found =
      resolver.resolve(options.host, std::to_string(options.port), tcp::resolver::passive, error);
  if (error || found.empty()) fail("cannot listen on {}: this machine has no such address", options.host);
  // "localhost" is both ::1 and 127.0.0.1, and clients mean the second more often.
  tcp::endpoint endpoint = found.begin()->endpoint();
  for (const auto& entry : found) {
    if (!entry.endpoint().address().is_v4()) continue;
    endpoint = entry.endpoint();
    break;
  }
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error == asio::error::address_in_use)
    fail("cannot listen on {}:{}: another program uses this port; stop it or choose another with --port",
         options.host, options.port);
  if (error == asio::error::access_denied)
    fail("cannot listen on {}:{}: ports below 1024 are for root; choose another with --port", options.host,
         options.port);
  if (error) fail("cannot listen on {}:{}: {}", options.host, options.port, error.message());
  port = acceptor.local_endpoint().port();
  const bool loopback = acceptor.local_endpoint().address().is_loopback();
  origins.emplace(options.origins, Listening{.host = options.host, .loopback = loopback, .tls = shared.tls != nullptr});
  if (!loopback && !options.read_keys)
    log::warn("whoever reaches {} may use this server; --api-key-file changes that", options.host);
}

asio::awaitable<void> Server::Impl::accept() {
  for (;;) {
    error_code error;
    tcp::socket socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (!acceptor.is_open()) co_return;
    if (error) {  // no file descriptor left, most likely: others may end and free one
      log::warn("cannot accept a connection: {}", error.message());
      asio::steady_timer pause(io, std::chrono::milliseconds(100));
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      if (!acceptor.is_open()) co_return;
      continue;
    }
    if (connections.size() >= options.max_connections) {
      if (turned_away < kTurnedAway)
        asio::co_spawn(io, turn_away(std::make_shared<tcp::socket>(std::move(socket))), asio::detached);
      continue;
    }
    auto connection = std::make_shared<Connection>(std::move(socket), shared);
    connections.insert(connection.get());
    asio::co_spawn(io, serve(std::move(connection)), asio::detached);
  }
}

asio::awaitable<void> Server::Impl::serve(std::shared_ptr<Connection> connection) {
  co_await connection->run();
  connections.erase(connection.get());
  end_when_empty();
}

// Closing a socket while its peer still sends would take the answer away from it, so we read for a moment.
asio::awaitable<void> Server::Impl::turn_away(std::shared_ptr<tcp::socket> socket) {
  if (shared.tls) co_return;  // it would take a handshake to say why
  constexpr std::string_view kAnswer =
      "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  ++turned_away;
  const std::shared_ptr<void> count(nullptr, [this](void*) { --turned_away; });
  error_code error;
  asio::steady_timer timer(io, kTurningAway);
  timer.async_wait([socket](error_code stopped) {
    error_code ignored;
    if (!stopped) socket->close(ignored);
  });
  const auto handler = [&error] { return asio::redirect_error(asio::use_awaitable, error); };
  co_await asio::async_write(*socket, asio::buffer(kAnswer), handler());
  if (!error) socket->shutdown(tcp::socket::shutdown_send, error);
  char sink[4096];
  while (!error) co_await socket->async_read_some(asio::buffer(sink), handler());
  timer.cancel();
}

void Server::Impl::on_signal() {
  signals.async_wait([this](error_code error, int) {
    if (error) return;
    if (shared.draining) {
      std::_Exit(130);  // work on the pool cannot be interrupted, and there is nothing to save
    }
    log::info("stopping; running answers have {} s to end", options.drain_timeout.count() / 1000);
    on_signal();  // before drain, which cancels it when nobody is left to wait for
    drain();
  });
}

void Server::Impl::on_hangup() {
  hangup.async_wait([this](error_code error, int) {
    if (error || shared.draining) return;
    reload();
    on_hangup();
  });
}

// A file that makes no sense changes nothing: nobody is locked out, nobody gets in.
void Server::Impl::reload() {
  try {
    if (options.read_keys) {
      access.replace(options.read_keys());
      log::info("the API keys are read again");
    }
  } catch (const std::exception& wrong) {
    log::error("{}; the keys stay as they were", wrong.what());
  }
  try {
    if (options.tls) {
      shared.tls = read_tls();
      log::info("the certificate is read again");
    }
  } catch (const std::exception& wrong) {
    log::error("{}; the certificate stays as it was", wrong.what());
  }
}

void Server::Impl::drain() {
  if (shared.draining) return;
  shared.draining = true;
  error_code ignored;
  acceptor.close(ignored);
  for (Connection* connection : connections) connection->close_if_idle();
  drain_timer.expires_after(options.drain_timeout);
  drain_timer.async_wait([this](error_code error) {
    if (error) return;
    for (Connection* connection : connections) connection->close();
  });
  end_when_empty();
}

void Server::Impl::end_when_empty() {
  if (!shared.draining || !connections.empty()) return;
  error_code ignored;
  signals.clear(ignored);  // from now on they end the process: a model that is being loaded cannot be interrupted
  signals.cancel(ignored);
  hangup.cancel(ignored);
  drain_timer.cancel();
}

Server::Server(ServerOptions options, std::vector<ServedModel> models)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(models))) {}

Server::~Server() = default;

void Server::load(const std::string& id) {
  std::shared_ptr<PendingLoad> before;
  for (;;) {
    try {
      const auto acquired = impl_->models.pool().acquire(id, before, {});
      if (acquired.lease) return;
      before = acquired.pending;
    } catch (const ApiError& error) {
      fail("{}", error.what());
    }
    std::promise<void> done;
    before->when_done([&] { done.set_value(); });
    done.get_future().wait();
  }
}

void Server::run() {
  if (impl_->options.handle_signals) {
    impl_->signals.add(SIGINT);
    impl_->signals.add(SIGTERM);
    impl_->on_signal();
    impl_->on_hangup();
  }
  asio::co_spawn(impl_->io, impl_->accept(), asio::detached);
  impl_->io.run();
}

void Server::stop() {
  asio::post(impl_->io, [impl = impl_.get()] { impl->drain(); });
}

void Server::reload() {
  asio::post(impl_->io, [impl = impl_.get()] { impl->reload(); });
}

uint16_t Server::port() const { return impl_->port; }

}  // namespace troika::server
