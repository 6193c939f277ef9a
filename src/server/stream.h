// A client's socket as a stream of bytes, plain or through TLS: what reads and writes it need not know which. Of the
// server's I/O thread; one read and one write may be under way at the same time.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>

namespace troika::server {

class Tls;

class Stream {
 public:
  // `tls`: null for a plain one; used here only.
  Stream(boost::asio::ip::tcp::socket socket, const Tls* tls);
  ~Stream();

  // Comes before all reading and writing. `plain`: the client did not begin with TLS but, it seems, with HTTP; what
  // follows is sent and received as it is, for telling it so.
  enum class Opening : uint8_t { ready, plain, failed };
  boost::asio::awaitable<Opening> open();

  // At least one byte, unless there is an error: eof when the peer has hung up, politely or not.
  boost::asio::awaitable<size_t> read_some(boost::asio::mutable_buffer to, boost::system::error_code& error);
  boost::asio::awaitable<size_t> write_some(boost::asio::const_buffer from, boost::system::error_code& error);

  // Tells the peer that nothing more will come; then only swallow_some is left.
  boost::asio::awaitable<void> end_sending(boost::system::error_code& error);
  boost::asio::awaitable<void> swallow_some(boost::system::error_code& error);

  boost::asio::ip::tcp::socket& socket() { return socket_; }

 private:
  struct Encryption;
  boost::asio::ip::tcp::socket socket_;
  std::unique_ptr<Encryption> encryption_;  // null: plain
};

}  // namespace troika::server
