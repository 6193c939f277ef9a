#include "store/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <exception>
#include <memory>

#include "base/error.h"
#include "store/name.h"
#include "store/stopped.h"
#include "store/url.h"

namespace troika::store {
namespace {

constexpr int kMostRedirects = 10;
constexpr size_t kMostHeaderBytes = 64 << 10;
constexpr long kConnectSeconds = 30, kStallSeconds = 60;
constexpr int kLookMs = 500;  // how long we wait without looking at the stop token

// libcurl's handles are all of one type, void.
struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeMulti {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

std::string_view trimmed(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t\r\n"), end = text.find_last_not_of(" \t\r\n");
  return begin == text.npos ? std::string_view{} : text.substr(begin, end + 1 - begin);
}

Transport kind_of(CURLcode code) {
  switch (code) {
    case CURLE_OK: return Transport::ok;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER: return Transport::unreachable;
    default: return Transport::broken;
  }
}

// One hop: a request and its answer.
class Hop {
 public:
  Hop(const HttpRequest& request, const std::string& url, const std::function<bool(const HttpAnswer&)>& answered,
      const std::function<void(std::span<const char>)>& body)
      : answered_(answered), body_(body), multi_(curl_multi_init()), easy_(curl_easy_init()) {
    check(easy_ && multi_, "libcurl has memory");
    set_up(request, url);
  }
  ~Hop() { curl_multi_remove_handle(multi_.get(), easy_.get()); }
  Hop(const Hop&) = delete;

  // Where a redirect leads, "" when it is none.
  std::string run(HttpAnswer& answer, const std::stop_token& stop) {
    answer_ = &answer;
    CURLcode code = transfer(stop);
    if (thrown_) std::rethrow_exception(thrown_);
    if (stop.stop_requested()) throw Stopped("stopped");
    if (enough_) return "";
    answer.transport = kind_of(code);
    if (code != CURLE_OK) answer.problem = error_[0] ? error_ : curl_easy_strerror(code);
    char* next = nullptr;
    curl_easy_getinfo(easy_.get(), CURLINFO_REDIRECT_URL, &next);
    return code == CURLE_OK && next ? next : "";
  }

 private:
  void set_up(const HttpRequest& request, const std::string& url) {
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_NETRC, long(CURL_NETRC_IGNORED));
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // a look-up that hangs is not waited for
    set(CURLOPT_USERAGENT, "troika");
    set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, kStallSeconds);
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set(CURLOPT_ERRORBUFFER, error_);
    set(CURLOPT_HEADERFUNCTION, &Hop::on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &Hop::on_body);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_BUFFERSIZE, long(256 << 10));
    if (request.head) set(CURLOPT_NOBODY, 1L);
    if (!request.range.empty()) set(CURLOPT_RANGE, request.range.c_str());
    if (!request.if_range.empty()) add_header("If-Range: " + request.if_range);
    std::optional<Url> target = read_url(url);
    bool trusted = target && target->origin == request.token_origin && target->is_private();
    if (!request.token.empty() && trusted) add_header("Authorization: Bearer " + request.token);
    if (headers_) set(CURLOPT_HTTPHEADER, headers_.get());
  }

  template <typename Value>
  void set(CURLoption option, Value value) {
    check(curl_easy_setopt(easy_.get(), option, value) == CURLE_OK, "libcurl knows the option");
  }

  void add_header(const std::string& line) {
    curl_slist* list = curl_slist_append(headers_.get(), line.c_str());
    check(list, "libcurl has memory");
    static_cast<void>(headers_.release());
    headers_.reset(list);
  }

  // Until it ends or a stop is requested.
  CURLcode transfer(const std::stop_token& stop) {
    CURLM* multi = multi_.get();
    curl_multi_add_handle(multi, easy_.get());
    const std::stop_callback wake(stop, [multi] { curl_multi_wakeup(multi); });
    while (!stop.stop_requested()) {
      int running = 0;
      check(curl_multi_perform(multi, &running) == CURLM_OK, "libcurl goes on");
      if (running == 0) break;
      curl_multi_poll(multi, nullptr, 0, kLookMs, nullptr);
    }
    int waiting = 0;
    const CURLMsg* message = curl_multi_info_read(multi, &waiting);
    return message && message->msg == CURLMSG_DONE ? message->data.result : CURLE_ABORTED_BY_CALLBACK;
  }

  static size_t on_header(const char* data, size_t, size_t size, void* self) {
    return static_cast<Hop*>(self)->take([&](Hop& hop) { return hop.add_line({data, size}); }) ? size : 0;
  }

  static size_t on_body(const char* data, size_t, size_t size, void* self) {
    return static_cast<Hop*>(self)->take([&](Hop& hop) { return hop.add_body({data, size}); }) ? size : 0;
  }

  // Nothing may be thrown through libcurl.
  template <typename Work>
  bool take(Work&& work) noexcept {
    try {
      return work(*this);
    } catch (...) {
      thrown_ = std::current_exception();
      return false;
    }
  }

  bool add_line(std::string_view line) {
    header_bytes_ += line.size();
    if (header_bytes_ > kMostHeaderBytes) fail("{} answers with more than {} bytes of headers", answer_->host, kMostHeaderBytes);
    if (line.starts_with("HTTP/")) {  // of a 100 Continue, then of the answer itself
      answer_->headers.clear();
      return true;
    }
    if (size_t colon = line.find(':'); colon != line.npos) {
      answer_->headers[lower(line.substr(0, colon))] = trimmed(line.substr(colon + 1));
      return true;
    }
    return !trimmed(line).empty() || end_of_headers();
  }

  bool end_of_headers() {
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    answer_->status = int(status);
    if (status < 200 || in_trailer_) return true;
    in_trailer_ = true;
    enough_ = !answered_(*answer_);
    return !enough_;
  }

  bool add_body(std::span<const char> bytes) {
    if (answer_->status / 100 == 2) body_(bytes);
    return true;
  }

  const std::function<bool(const HttpAnswer&)>& answered_;
  const std::function<void(std::span<const char>)>& body_;
  std::unique_ptr<CURLM, FreeMulti> multi_;
  std::unique_ptr<curl_slist, FreeList> headers_;
  std::unique_ptr<CURL, FreeEasy> easy_;
  HttpAnswer* answer_ = nullptr;
  size_t header_bytes_ = 0;
  bool enough_ = false, in_trailer_ = false;
  std::exception_ptr thrown_;
  char error_[CURL_ERROR_SIZE] = "";
};

Url checked_url(const std::string& text) {
  std::optional<Url> url = read_url(text);
  if (!url) fail("'{}' is no valid http or https URL, or holds a user name or password", shown(text));
  return *url;
}

}  // namespace

std::string HttpAnswer::header(const std::string& name) const {
  auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::optional<uint64_t> HttpAnswer::number(const std::string& name) const {
  std::string text = header(name);
  uint64_t value = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::chrono::seconds> HttpAnswer::retry_after() const {
  if (auto seconds = number("retry-after")) return std::chrono::seconds(std::min<uint64_t>(*seconds, 1'000'000));
  std::string text = header("retry-after");
  time_t when = text.empty() ? -1 : curl_getdate(text.c_str(), nullptr);
  if (when == -1) return std::nullopt;
  return std::chrono::seconds(std::max<time_t>(0, when - std::time(nullptr)));
}

HttpAnswer request(const HttpRequest& request, const std::function<bool(const HttpAnswer&)>& answered,
                   const std::function<void(std::span<const char>)>& body, const std::stop_token& stop) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  check(started == CURLE_OK, "libcurl starts");
  std::string url = request.url;
  for (int redirects = 0; redirects <= kMostRedirects; ++redirects) {
    Url here = checked_url(url);
    HttpAnswer answer{.host = here.host};
    std::string next = Hop(request, url, answered, body).run(answer, stop);
    if (next.empty() || !request.follow) return answer;
    if (here.is_private() && !checked_url(next).is_private())
      fail("{} redirects to an address without encryption, which is not followed", here.host);
    url = next;
  }
  fail("{} redirects more than {} times", checked_url(request.url).host, kMostRedirects);
}

}  // namespace troika::store
