// Fetching by URL, from a small server of our own; its address is allowed here by a rule of the test.
#include "server/image_fetch.h"

#include <gmock/gmock.h>

#include <thread>

#include "server/api_error.h"
#include "server/tiny_server.h"

namespace troika::server {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

bool anywhere(const sockaddr&) { return true; }

struct Outcome {
  std::string bytes, error;
  int status = 200;
};

Outcome fetch(const std::string& url, FetchOptions options = {.may_connect = anywhere},
              const std::stop_token& stop = {}) {
  if (options.most_bytes == 0) options.most_bytes = 1000;
  if (options.deadline == decltype(options.deadline){}) options.deadline = std::chrono::steady_clock::now() + 30s;
  try {
    const auto bytes = fetch_image(url, "here", options, stop);
    return {.bytes = std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())};
  } catch (const ApiError& error) {
    return {.error = error.what(), .status = error.status};
  }
}

TEST(ImageFetch, BringsTheBytes) {
  const TinyServer server(http("200 OK", std::string("\x89PNG\0\xff", 6)));
  EXPECT_EQ(fetch(server.url()).bytes, std::string("\x89PNG\0\xff", 6));
}

TEST(ImageFetch, ConnectsToPublicAddressesOnly) {
  const TinyServer server(http("200 OK", "secret"));
  const FetchOptions strict;
  const std::string port = server.url("").substr(server.url("").rfind(':'));
  for (const std::string& host : {std::string("127.0.0.1"), std::string("localhost"), std::string("2130706433"),
                                  std::string("0x7f.1"), std::string("0177.0.0.1"), std::string("127.1"),
                                  std::string("[::1]"), std::string("[::ffff:127.0.0.1]"), std::string("0.0.0.0"),
                                  std::string("[::ffff:7f00:1]"), std::string("127.0.0.1.")}) {
    const Outcome outcome = fetch("http://" + host + port + "/", strict);
    EXPECT_EQ(outcome.status, 400) << host;
    EXPECT_EQ(outcome.bytes, "") << host;
  }
  EXPECT_THAT(fetch(server.url(), strict).error, HasSubstr("no public address"));
  EXPECT_EQ(server.connections(), 0);
}

TEST(ImageFetch, FollowsNoRedirect) {
  const TinyServer target(http("200 OK", "secret"));
  const TinyServer server(http("302 Found", "", "Location: " + target.url() + "\r\n"));
  EXPECT_THAT(fetch(server.url()).error, HasSubstr("redirects are not followed"));
  EXPECT_EQ(target.connections(), 0);
  const TinyServer missing(http("404 Not Found", "nothing"));
  EXPECT_THAT(fetch(missing.url()).error, HasSubstr("answered 404"));
}

TEST(ImageFetch, LimitsTheSizeAnnouncedOrNot) {
  const TinyServer announced(http("200 OK", std::string(1001, 'x')));
  EXPECT_EQ(fetch(announced.url()).status, 413);
  const TinyServer fits(http("200 OK", std::string(1000, 'x')));
  EXPECT_EQ(fetch(fits.url()).bytes.size(), 1000u);
  const TinyServer silent("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(100'000, 'x'));
  EXPECT_EQ(fetch(silent.url()).status, 413);
}

TEST(ImageFetch, GivesUpWhenItsTimeIsOver) {
  const TinyServer server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", /*hangs=*/true);
  const Outcome outcome =
      fetch(server.url(), {.deadline = std::chrono::steady_clock::now() + 200ms, .may_connect = anywhere});
  EXPECT_EQ(outcome.status, 400);
  EXPECT_THAT(outcome.error, HasSubstr("in time"));
}

TEST(ImageFetch, GivesUpWhenStopped) {
  const TinyServer server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", /*hangs=*/true);
  std::stop_source stop;
  std::jthread stopper([&] {
    while (!server.asked()) std::this_thread::sleep_for(1ms);
    stop.request_stop();
  });
  // Without the stop it would hang for longer than a test may take.
  const Outcome outcome = fetch(
      server.url(), {.deadline = std::chrono::steady_clock::now() + 1h, .may_connect = anywhere}, stop.get_token());
  EXPECT_EQ(outcome.status, 503);
}

TEST(ImageFetch, RefusesUrlsThatItShouldNotFollow) {
  const TinyServer server(http("200 OK", "x"));
  for (const std::string& url :
       {std::string("file:///etc/passwd"), std::string("ftp://127.0.0.1/x"), std::string("gopher://127.0.0.1/x"),
        std::string("http://"), std::string("127.0.0.1"), std::string("http://a b/"), std::string("http:// /"),
        std::string("dict://127.0.0.1:11211/stats"), "http://user:secret@" + server.url().substr(7),
        "http://user@" + server.url().substr(7), server.url() + std::string("\0.png", 5),
        "http://127.0.0.1/" + std::string(9000, 'x')}) {
    const Outcome outcome = fetch(url);
    EXPECT_EQ(outcome.status, 400) << url.substr(0, 60);
    EXPECT_THAT(outcome.error, testing::Not(HasSubstr("secret")));
  }
  EXPECT_EQ(server.connections(), 0);
}

TEST(ImageFetch, AListOfHostsIsTheOnlyWay) {
  const TinyServer server(http("200 OK", "x"));
  const std::vector<std::string> others = {"images.example.org", "127.0.0.2"}, listed = {"127.0.0.1"};
  EXPECT_THAT(fetch(server.url(), {.hosts = others, .may_connect = anywhere}).error, HasSubstr("--image-url-hosts"));
  EXPECT_THAT(fetch("http://images.example.org.evil.test/", {.hosts = others, .may_connect = anywhere}).error,
              HasSubstr("--image-url-hosts"));
  EXPECT_EQ(server.connections(), 0);
  EXPECT_EQ(fetch(server.url(), {.hosts = listed, .may_connect = anywhere}).bytes, "x");
}

}  // namespace
}  // namespace troika::server
