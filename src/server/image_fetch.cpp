#include "server/image_fetch.h"

#include <curl/curl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <memory>

#include "server/api_error.h"

namespace troika::server {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr size_t kLongestUrl = 8192;
constexpr auto kConnectTime = milliseconds(10'000);
constexpr auto kLook = milliseconds(500);  // how long we wait without looking at the clock

struct Free {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
  void operator()(char* text) const { curl_free(text); }
};
using Url = std::unique_ptr<CURLU, Free>;

[[noreturn]] void refuse_url(const std::string& path, const std::string& why) {
  throw ApiError(400, "invalid_request_error", fmt::format("{}: {}", path, why), path, "invalid_image_url");
}

std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return "";
  const std::unique_ptr<char, Free> owner(text);
  return text;
}

// Parsed once, by the library that connects: two parsers might read two hosts.
Url parse(const std::string& text, const std::string& path, std::span<const std::string> hosts) {
  if (text.size() > kLongestUrl) refuse_url(path, fmt::format("a URL may have {} bytes.", kLongestUrl));
  Url url(curl_url());
  const CURLUcode code = url ? curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_DISALLOW_USER)
                             : CURLUE_OUT_OF_MEMORY;
  if (code == CURLUE_USER_NOT_ALLOWED) refuse_url(path, "a URL must not hold a user name or password.");
  if (code != CURLUE_OK || text.find('\0') != text.npos) refuse_url(path, "this is not a valid URL.");
  const std::string scheme = part_of(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https")
    refuse_url(path, "pictures are fetched over http and https only.");
  std::string host = part_of(url.get(), CURLUPART_HOST);
  std::ranges::transform(host, host.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  if (!hosts.empty() && std::ranges::find(hosts, host) == hosts.end())
    refuse_url(path, "this server fetches pictures from certain hosts only (--image-url-hosts), and this is none "
                     "of them.");
  return url;
}

// One transfer.
class Fetch {
 public:
  Fetch(const std::string& path, const FetchOptions& options) : path_(path), options_(options) {
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    check(started == CURLE_OK, "libcurl starts");
    easy_ = curl_easy_init();
    multi_ = curl_multi_init();
    check(easy_ && multi_, "libcurl has memory");
  }
  ~Fetch() {
    curl_multi_remove_handle(multi_, easy_);
    curl_easy_cleanup(easy_);
    curl_multi_cleanup(multi_);
  }
  Fetch(const Fetch&) = delete;

  std::vector<std::byte> run(CURLU* url, const std::stop_token& stop) {
    set_up(url);
    const CURLcode code = transfer(stop);
    if (stop.stop_requested()) throw ApiError(503, "server_error", "The request was given up.");
    if (too_large_ || code == CURLE_FILESIZE_EXCEEDED)
      throw ApiError(413, "invalid_request_error",
                     fmt::format("{}: the image file has more than {} bytes.", path_, options_.most_bytes), path_,
                     "image_too_large");
    if (refused_)
      refuse_url(path_, "this host has no public address; pictures are fetched from the public Internet only.");
    if (code == CURLE_OPERATION_TIMEDOUT || Clock::now() >= options_.deadline)
      refuse_url(path_, "the picture did not come in time.");
    if (code != CURLE_OK)
      refuse_url(path_, fmt::format("the picture could not be fetched: {}.", curl_easy_strerror(code)));
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    if (status / 100 == 3)
      refuse_url(path_, fmt::format("the host answered {}; redirects are not followed.", status));
    if (status != 200) refuse_url(path_, fmt::format("the host answered {}.", status));
    return std::move(file_);
  }

 private:
  void set_up(CURLU* url) {
    curl_easy_setopt(easy_, CURLOPT_CURLU, url);
    curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy_, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy_, CURLOPT_PROXY, "");  // a proxy would connect to what we cannot check
    curl_easy_setopt(easy_, CURLOPT_NETRC, long(CURL_NETRC_IGNORED));
    curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy_, CURLOPT_QUICK_EXIT, 1L);  // a look-up that hangs is not waited for
    curl_easy_setopt(easy_, CURLOPT_USERAGENT, "troika");
    curl_easy_setopt(easy_, CURLOPT_MAXFILESIZE_LARGE, curl_off_t(options_.most_bytes));
    curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT_MS, long(kConnectTime.count()));
    curl_easy_setopt(easy_, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy_, CURLOPT_OPENSOCKETDATA, this);
    curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, write);
    curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
  }

  // Until the transfer ends, the time is up or a stop is requested.
  CURLcode transfer(const std::stop_token& stop) {
    curl_multi_add_handle(multi_, easy_);
    const std::stop_callback wake(stop, [this] { curl_multi_wakeup(multi_); });
    while (!stop.stop_requested()) {
      int running = 0;
      check(curl_multi_perform(multi_, &running) == CURLM_OK, "libcurl goes on");
      if (running == 0) break;
      const auto left = std::chrono::duration_cast<milliseconds>(options_.deadline - Clock::now());
      if (left <= milliseconds(0)) return CURLE_OPERATION_TIMEDOUT;
      curl_multi_poll(multi_, nullptr, 0, int(std::min(left, milliseconds(kLook)).count()), nullptr);
    }
    int waiting = 0;
    const CURLMsg* message = curl_multi_info_read(multi_, &waiting);
    return message && message->msg == CURLMSG_DONE ? message->data.result : CURLE_ABORTED_BY_CALLBACK;
  }

  static curl_socket_t open_socket(void* self, curlsocktype, curl_sockaddr* address) {
    auto& fetch = *static_cast<Fetch*>(self);
    if (!fetch.options_.may_connect(address->addr)) {
      fetch.refused_ = true;
      return CURL_SOCKET_BAD;
    }
    fetch.refused_ = false;  // another address of the same host is not to blame
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  }

  static size_t write(char* bytes, size_t, size_t count, void* self) {
    auto& fetch = *static_cast<Fetch*>(self);
    fetch.too_large_ = count > fetch.options_.most_bytes - fetch.file_.size();
    if (fetch.too_large_) return 0;  // ends the transfer
    const auto* first = reinterpret_cast<const std::byte*>(bytes);
    fetch.file_.insert(fetch.file_.end(), first, first + count);
    return count;
  }

  const std::string& path_;
  const FetchOptions& options_;
  CURL* easy_ = nullptr;
  CURLM* multi_ = nullptr;
  std::vector<std::byte> file_;
  bool refused_ = false, too_large_ = false;
};

}  // namespace

std::vector<std::byte> fetch_image(const std::string& url, const std::string& path, const FetchOptions& options,
                                   const std::stop_token& stop) {
  const Url parsed = parse(url, path, options.hosts);
  return Fetch(path, options).run(parsed.get(), stop);
}

}  // namespace troika::server
