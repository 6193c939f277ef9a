#include "store/digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>

#include "base/error.h"

namespace troika::store {

struct Digest::Context {
  EVP_MD_CTX* evp = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(evp); }
};

Digest::Digest(DigestKind kind, uint64_t bytes) : context_(std::make_unique<Context>()) {
  const EVP_MD* algorithm = kind == DigestKind::sha256 ? EVP_sha256() : EVP_sha1();
  check(context_->evp && EVP_DigestInit_ex(context_->evp, algorithm, nullptr) == 1, "OpenSSL has the checksum");
  if (kind == DigestKind::sha256) return;
  std::string head = fmt::format("blob {}", bytes);
  add({head.c_str(), head.size() + 1});
}

Digest::~Digest() = default;
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;

void Digest::add(std::span<const char> bytes) {
  check(EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()) == 1, "OpenSSL adds to a checksum");
}

std::string Digest::hex() {
  unsigned char raw[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  check(EVP_DigestFinal_ex(context_->evp, raw, &size) == 1, "OpenSSL ends a checksum");
  std::string text;
  for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", raw[i]);
  return text;
}

bool is_hex(std::string_view text, size_t digits) {
  return text.size() == digits &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string sha256_of(std::string_view text) {
  Digest digest(DigestKind::sha256, text.size());
  digest.add(text);
  return digest.hex();
}

}  // namespace troika::store
