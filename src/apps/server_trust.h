// Whether a server that is asked over https is the one that it says it is, as curl has it: --cacert and --insecure of the
// verbs that talk to one.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace troika::apps {

struct ServerTrust {
  std::string authorities;  // PEM file of certificates that are believed, instead of the system's; "": the system's
  bool insecure = false;    // whoever answers is believed
};

void add_trust_options(CLI::App& verb, ServerTrust& trust);

// `curl`: a CURL*.
void apply(const ServerTrust& trust, void* curl);

// What to do about a certificate that is not believed: the end of a sentence.
inline constexpr const char* kTrustCure = "name its certificate with --cacert FILE, or believe it with --insecure";

}  // namespace troika::apps
