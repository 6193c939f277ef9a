// See stream.h. Asio's TLS stream keeps what it has received when a read of it is cancelled, so reads may be given up
// and begun again as those of a socket.
#include "server/stream.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"
#include "server/tls.h"

namespace troika::server {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

struct Stream::Encryption {
  asio::ssl::stream<tcp::socket&> stream;
};

Stream::Stream(tcp::socket socket, const Tls* tls) : socket_(std::move(socket)) {
  if (tls) encryption_.reset(new Encryption{{socket_, tls->new_session()}});
}

Stream::~Stream() = default;

asio::awaitable<Stream::Opening> Stream::open() {
  if (!encryption_) co_return Opening::ready;
  error_code error;
  char first = 0;
  co_await socket_.async_receive(asio::buffer(&first, 1), asio::socket_base::message_peek,
                                 asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return Opening::failed;
  if (first >= 'A' && first <= 'Z') {  // of "GET"; TLS begins with 22
    encryption_ = nullptr;
    co_return Opening::plain;
  }
  co_await encryption_->stream.async_handshake(asio::ssl::stream_base::server,
                                               asio::redirect_error(asio::use_awaitable, error));
  if (!error) co_return Opening::ready;
  log::debug("a client and we do not agree on TLS: {}", error.message());
  co_return Opening::failed;
}

asio::awaitable<size_t> Stream::read_some(asio::mutable_buffer to, error_code& error) {
  auto handler = asio::redirect_error(asio::use_awaitable, error);
  if (!encryption_) co_return co_await socket_.async_read_some(to, handler);
  const size_t count = co_await encryption_->stream.async_read_some(to, handler);
  if (error == asio::ssl::error::stream_truncated) error = asio::error::eof;  // HTTP knows where its messages end
  co_return count;
}

asio::awaitable<size_t> Stream::write_some(asio::const_buffer from, error_code& error) {
  auto handler = asio::redirect_error(asio::use_awaitable, error);
  if (!encryption_) co_return co_await socket_.async_write_some(from, handler);
  co_return co_await encryption_->stream.async_write_some(from, handler);
}

asio::awaitable<void> Stream::end_sending(error_code& error) {
  if (encryption_)  // also waits for the peer's own goodbye; one that still sends fails this, and hears ours all the same
    co_await encryption_->stream.async_shutdown(asio::redirect_error(asio::use_awaitable, error));
  socket_.shutdown(tcp::socket::shutdown_send, error);
}

asio::awaitable<void> Stream::swallow_some(error_code& error) {
  char rest[4096];
  co_await socket_.async_read_some(asio::buffer(rest), asio::redirect_error(asio::use_awaitable, error));
}

}  // namespace troika::server
