// A RawClient that speaks TLS, and certificates for a server to be asked with.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "files/scratch.h"
#include "server/raw_client.h"

namespace troika::server {

// A certificate that vouches for itself, and its key, in two files.
inline TlsFiles make_certificate(const std::filesystem::path& folder, const std::string& name) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), subject);
  EXPECT_GT(X509_sign(certificate.get(), key.get(), EVP_sha256()), 0);
  const TlsFiles files{folder / (name + ".crt"), folder / (name + ".key")};
  const auto write = [](const std::filesystem::path& path, auto&& put) {
    std::FILE* file = std::fopen(path.c_str(), "w");
    EXPECT_EQ(put(file), 1);
    std::fclose(file);
  };
  write(files.certificate, [&](std::FILE* f) { return PEM_write_X509(f, certificate.get()); });
  write(files.key, [&](std::FILE* f) { return PEM_write_PrivateKey(f, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  return files;
}

struct TlsOffer {
  int least_version = TLS1_2_VERSION, most_version = TLS1_3_VERSION;
  std::string protocols;  // ALPN, as on the wire: "\x02h2"; "": none
};

class TlsClient : public RawClient {
 public:
  explicit TlsClient(uint16_t port, const TlsOffer& offer = {})
      : RawClient(port), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
    SSL_CTX_set_security_level(context_.get(), 0);  // lets us offer what the server should refuse
    SSL_CTX_set_min_proto_version(context_.get(), offer.least_version);
    SSL_CTX_set_max_proto_version(context_.get(), offer.most_version);
    session_.reset(SSL_new(context_.get()));
    if (!offer.protocols.empty())
      SSL_set_alpn_protos(session_.get(), reinterpret_cast<const unsigned char*>(offer.protocols.data()),
                          unsigned(offer.protocols.size()));
    SSL_set_fd(session_.get(), socket_);
    agreed_ = SSL_connect(session_.get()) == 1;
  }
  ~TlsClient() override { TlsClient::hang_up(); }

  bool agreed() const { return agreed_; }
  std::string version() const { return SSL_get_version(session_.get()); }
  std::string cipher() const { return SSL_get_cipher(session_.get()); }
  std::string protocol() const {
    const unsigned char* name = nullptr;
    unsigned bytes = 0;
    SSL_get0_alpn_selected(session_.get(), &name, &bytes);
    return {reinterpret_cast<const char*>(name), bytes};
  }
  bool may_resume() const { return SSL_SESSION_is_resumable(SSL_get0_session(session_.get())) == 1; }
  // The name in the server's certificate.
  std::string server() const {
    const std::unique_ptr<X509, decltype(&X509_free)> shown(SSL_get1_peer_certificate(session_.get()), X509_free);
    char name[64] = "";
    if (shown) X509_NAME_get_text_by_NID(X509_get_subject_name(shown.get()), NID_commonName, name, sizeof name);
    return name;
  }
  // Whether the server said goodbye, so that what came is known to be all.
  bool was_told_the_end() const { return (SSL_get_shutdown(session_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }
  // Ends our side as TLS wants it, and goes on reading.
  void say_goodbye() { SSL_shutdown(session_.get()); }

  void hang_up() override { RawClient::hang_up(); }

 protected:
  ssize_t send_some(std::string_view bytes) override {
    return agreed_ ? SSL_write(session_.get(), bytes.data(), int(bytes.size())) : -1;
  }
  ssize_t receive_some(std::span<char> bytes) override {
    return agreed_ ? SSL_read(session_.get(), bytes.data(), int(bytes.size())) : -1;
  }
  bool has_more() override { return SSL_has_pending(session_.get()) == 1; }

 private:
  struct Free {
    void operator()(SSL* session) const { SSL_free(session); }
  };
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, Free> session_;
  bool agreed_ = false;
};

}  // namespace troika::server
