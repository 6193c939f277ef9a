// See tls.h. Talks to OpenSSL itself, so that what is wrong with a file can be said in words.
#include "server/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/log.h"

namespace troika::server {
namespace {

// Of TLS 1.2; those of 1.3 are all good.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr std::string_view kHttp11 = "http/1.1";

std::string last_reason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return reason ? reason : "OpenSSL gives no reason";
}

void must_be_readable(const char* option, const std::filesystem::path& path) {
  std::ifstream in(path);
  if (!in || in.peek() == std::ifstream::traits_type::eof())
    fail("{}: cannot read {}: {}", option, path.string(), in.eof() ? "it is empty" : std::strerror(errno));
}

// OpenSSL would ask for it on the terminal.
int note_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

void use_certificate(SSL_CTX* context, const std::filesystem::path& path) {
  must_be_readable("--tls-cert", path);
  if (SSL_CTX_use_certificate_chain_file(context, path.c_str()) == 1) return;
  fail("--tls-cert: {} holds no usable certificate in PEM form ({})", path.string(), last_reason());
}

void use_key(SSL_CTX* context, const TlsFiles& files) {
  must_be_readable("--tls-key", files.key);
  bool asked = false;
  SSL_CTX_set_default_passwd_cb(context, note_passphrase);
  SSL_CTX_set_default_passwd_cb_userdata(context, &asked);
  const bool used = SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) == 1;
  SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
  if (used && SSL_CTX_check_private_key(context) == 1) return;
  if (asked)
    fail("--tls-key: {} has a passphrase; take it off with: openssl pkey -in {} -out FILE", files.key.string(),
         files.key.string());
  const unsigned long code = ERR_peek_last_error();
  const bool is_another = ERR_GET_LIB(code) == ERR_LIB_X509 && (ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH ||
                                                                ERR_GET_REASON(code) == X509_R_KEY_TYPE_MISMATCH);
  if (used || is_another) {  // a good key that does not pass the check belongs to another certificate
    ERR_clear_error();
    fail("--tls-key: the key in {} is not the one of the certificate in {}", files.key.string(),
         files.certificate.string());
  }
  fail("--tls-key: {} holds no usable private key in PEM form ({})", files.key.string(), last_reason());
}

void warn_of_dates(SSL_CTX* context, const std::filesystem::path& path) {
  const X509* certificate = SSL_CTX_get0_certificate(context);
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
    log::warn("the certificate in {} has expired; clients will refuse it", path.string());
  if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
    log::warn("the certificate in {} is not valid yet; clients will refuse it", path.string());
}

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_bytes, const unsigned char* offered,
                    unsigned int offered_bytes, void*) {
  for (unsigned int at = 0; at < offered_bytes; at += 1 + offered[at]) {  // each: its length, its name
    const std::string_view name(reinterpret_cast<const char*>(offered + at + 1), offered[at]);
    if (name != kHttp11) continue;
    *chosen = offered + at + 1;
    *chosen_bytes = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

void Tls::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

Tls::Tls(const TlsFiles& files) : context_(SSL_CTX_new(TLS_server_method())) {
  SSL_CTX* context = context_.get();
  check(context != nullptr, "OpenSSL has memory");
  ERR_clear_error();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Nothing is resumed: the key of tickets would open all connections that it ever resumed. Clients keep theirs open.
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  check(SSL_CTX_set_cipher_list(context, kCiphers) == 1, "OpenSSL knows the ciphers");
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  use_certificate(context, files.certificate);
  use_key(context, files);
  warn_of_dates(context, files.certificate);
}

ssl_st* Tls::new_session() const {
  SSL* session = SSL_new(context_.get());
  check(session != nullptr, "OpenSSL has memory");
  return session;
}

}  // namespace troika::server
