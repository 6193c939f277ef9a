// The Hugging Face hub's protocol, or a mirror's (HF_ENDPOINT): what a repository holds at a revision, and where its files
// are. What it answers is checked before it is used; what it refuses becomes a sentence with the cure.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "store/file_source.h"
#include "store/http.h"
#include "store/name.h"
#include "store/settings.h"

namespace troika::store {

struct HubFile {
  std::string name;
  uint64_t bytes = 0;
  std::string digest;  // "" when the listing does not say
};

struct HubRepository {
  std::string name;    // as the hub spells it
  std::string commit;  // 40 hexadecimal digits
  std::vector<HubFile> files;  // those whose names are safe to use
};

// Used by one thread at a time.
class Hub {
 public:
  explicit Hub(const Settings& settings) : settings_(settings) {}

  HubRepository look_up(const Name& name, const std::stop_token& stop) const;

  // How to get a file; asks for its size and digest where the listing does not say.
  FileSource source_of(const HubRepository& repository, const HubFile& file, const std::stop_token& stop) const;

 private:
  const Settings& settings_;
};

// The request with the hub's token, for the hub only.
HttpRequest with_token(HttpRequest request, const Settings& settings);

// The sentence for an answer that is no success, when `what` was asked for; `repository`: whose, "" where there is none.
std::string explain(const HttpAnswer& answer, std::string_view what, std::string_view repository,
                    const Settings& settings);

// Throws Error when the variables forbid the network.
void check_online(const Settings& settings, std::string_view what);

// An etag without quotes: "abc" of "\"abc\""; "" when it is a weak one.
std::string strong_etag(std::string_view header);

// The checksum that an etag of the hub is; "" when it is none.
std::string digest_in(std::string_view etag);

}  // namespace troika::store
