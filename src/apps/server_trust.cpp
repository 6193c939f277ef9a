#include "apps/server_trust.h"

#include <curl/curl.h>
#include <CLI/CLI.hpp>

namespace troika::apps {

void add_trust_options(CLI::App& verb, ServerTrust& trust) {
  verb.add_option("--cacert", trust.authorities, "https: PEM file of certificates to believe instead of the system's")
      ->check(CLI::ExistingFile)
      ->envname("TROIKA_CACERT");
  verb.add_flag("--insecure,-k", trust.insecure, "https: believe whoever answers")->envname("TROIKA_INSECURE");
}

void apply(const ServerTrust& trust, void* curl) {
  if (!trust.authorities.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, trust.authorities.c_str());
  if (!trust.insecure) return;
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
}

}  // namespace troika::apps
