#include "apps/bench_serve_transfers.h"

#include <curl/curl.h>

#include <algorithm>
#include <cmath>
#include <list>

#include "base/error.h"

namespace troika::apps::load {
namespace {

struct Running {
  Transfer transfer;
  CURL* easy = nullptr;
  bool hung_up = false;

  explicit Running(Transfer given) : transfer(std::move(given)), easy(curl_easy_init()) {
    check(easy != nullptr, "libcurl has memory");
  }
  ~Running() { curl_easy_cleanup(easy); }
  Running(const Running&) = delete;

  int status() const {
    long code = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
    return int(code);
  }
};

size_t write(char* bytes, size_t, size_t count, void* self) {
  auto& running = *static_cast<Running*>(self);
  running.hung_up = !running.transfer.receive(running.status(), {bytes, count});
  return running.hung_up ? 0 : count;  // 0 ends the transfer and its connection
}

// Few words, for counting by kind.
std::string error_of(CURLcode code) {
  if (code == CURLE_OK) return "";
  if (code == CURLE_COULDNT_CONNECT) return "cannot connect";
  if (code == CURLE_OPERATION_TIMEDOUT) return "timed out";
  if (code == CURLE_PEER_FAILED_VERIFICATION) return fmt::format("its certificate is not believed; {}", kTrustCure);
  if (code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR || code == CURLE_PARTIAL_FILE)
    return "connection lost";
  return curl_easy_strerror(code);
}

}  // namespace

struct Transfers::Impl {
  CURLM* multi = nullptr;
  curl_slist* headers = nullptr;
  long timeout_ms = 0;
  ServerTrust trust;
  std::list<Running> running;

  void set_up(Running& r) {
    curl_easy_setopt(r.easy, CURLOPT_URL, r.transfer.url.c_str());
    curl_easy_setopt(r.easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(r.easy, CURLOPT_PROXY, "");  // its time is not the server's
    curl_easy_setopt(r.easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(r.easy, CURLOPT_USERAGENT, "troika-bench");
    curl_easy_setopt(r.easy, CURLOPT_HTTP_VERSION, long(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(r.easy, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(r.easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(r.easy, CURLOPT_WRITEFUNCTION, write);
    curl_easy_setopt(r.easy, CURLOPT_WRITEDATA, &r);
    curl_easy_setopt(r.easy, CURLOPT_PRIVATE, &r);
    apply(trust, r.easy);
    if (r.transfer.body.empty()) return;
    curl_easy_setopt(r.easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(r.transfer.body.size()));
    curl_easy_setopt(r.easy, CURLOPT_POSTFIELDS, r.transfer.body.c_str());
  }

  // Calls back for what has ended; false when that is nothing.
  bool reap() {
    bool any = false;
    int waiting = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &waiting)) {
      if (message->msg != CURLMSG_DONE) continue;
      any = true;
      const CURLcode code = message->data.result;
      Running* ended = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &ended);
      curl_multi_remove_handle(multi, ended->easy);
      ended->transfer.end(ended->status(), ended->hung_up ? "" : error_of(code));
      running.remove_if([&](const Running& r) { return &r == ended; });
    }
    return any;
  }

  bool perform() {
    int active = 0;
    check(curl_multi_perform(multi, &active) == CURLM_OK, "libcurl goes on");
    return reap();
  }
};

Transfers::Transfers(const std::string& api_key, double timeout_s, ServerTrust trust)
    : impl_(std::make_unique<Impl>()) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  check(started == CURLE_OK, "libcurl starts");
  impl_->multi = curl_multi_init();
  check(impl_->multi != nullptr, "libcurl has memory");
  impl_->trust = std::move(trust);
  impl_->timeout_ms = std::lround(timeout_s * 1000);
  impl_->headers = curl_slist_append(nullptr, "Content-Type: application/json");
  // A body of more than 1 MB would otherwise wait for a "100 Continue".
  impl_->headers = curl_slist_append(impl_->headers, "Expect:");
  if (!api_key.empty())
    impl_->headers = curl_slist_append(impl_->headers, ("Authorization: Bearer " + api_key).c_str());
}

Transfers::~Transfers() {
  hang_up_all();
  curl_multi_cleanup(impl_->multi);
  curl_slist_free_all(impl_->headers);
}

void Transfers::start(Transfer transfer) {
  Running& running = impl_->running.emplace_back(std::move(transfer));
  impl_->set_up(running);
  curl_multi_add_handle(impl_->multi, running.easy);
}

void Transfers::turn(double most_s) {
  if (impl_->perform()) return;
  const int wait_ms = std::max(0, int(std::ceil(most_s * 1000)));
  curl_multi_poll(impl_->multi, nullptr, 0, wait_ms, nullptr);
  impl_->perform();
}

void Transfers::hang_up_all() {
  for (Running& running : impl_->running) curl_multi_remove_handle(impl_->multi, running.easy);
  impl_->running.clear();
}

Transfers::Reply Transfers::fetch(const std::string& url, const std::string& body) {
  Reply reply;
  std::string error;
  bool ended = false;
  start(
      {.url = url,
       .body = body,
       .receive = [&](int, std::string_view bytes) { return reply.body += bytes, true; },
       .end = [&](int status, const std::string& why) { reply.status = status, error = why, ended = true; }});
  while (!ended) turn(1);
  if (!error.empty()) fail("{}: {}; is a server running there?", url, error);
  return reply;
}

}  // namespace troika::apps::load
