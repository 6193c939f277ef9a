// The server's certificate and private key, and how it uses them: TLS 1.2 or 1.3 with forward secrecy and authenticated
// ciphers, HTTP/1.1 inside.
#pragma once

#include <filesystem>
#include <memory>

struct ssl_ctx_st;
struct ssl_st;

namespace troika::server {

struct TlsFiles {
  std::filesystem::path certificate;  // PEM: ours first, then those that vouch for it
  std::filesystem::path key;          // PEM, without a passphrase
};

class Tls {
 public:
  // Reads both files. Throws Error that says which is wrong, and how.
  explicit Tls(const TlsFiles& files);

  // What one connection begins with; the caller frees it. It outlives us if it has to.
  ssl_st* new_session() const;

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  std::unique_ptr<ssl_ctx_st, Free> context_;
};

}  // namespace troika::server
