// The page as a browser gets it: its files, how long they may be kept, and what they may do.
#include <gmock/gmock.h>

#include "server/raw_client.h"
#include "server/web_files.h"

namespace troika::server {
namespace {

using testing::HasSubstr;
using testing::Not;

class WebPage : public ServerTest {
 protected:
  RawReply browse(const std::string& path) {
    RawClient client(port());
    client.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nAccept: text/html,application/xhtml+xml\r\n\r\n");
    return client.read_reply();
  }
};

TEST_F(WebPage, IsForBrowsersAndTheWelcomeForTheOthers) {
  const RawReply page = browse("/");
  EXPECT_EQ(page.header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_THAT(page.body, HasSubstr("<div id=\"app\">"));
  EXPECT_EQ(page.header("Cache-Control"), "no-cache");
  EXPECT_EQ(page.header("Vary"), "Accept");
  EXPECT_THAT(get("/").body, HasSubstr("fake/model:1"));
}

TEST_F(WebPage, MayRunNothingButItsOwnFilesAndTalkToNobodyButUs) {
  const std::string policy = browse("/").header("Content-Security-Policy");
  for (const char* rule : {"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
                           "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"})
    EXPECT_THAT(policy, HasSubstr(rule));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_THAT(policy, Not(HasSubstr("http")));
  const std::string html = browse("/").body;
  EXPECT_THAT(html, Not(HasSubstr("http:")));
  EXPECT_THAT(html, Not(HasSubstr("https:")));
  EXPECT_THAT(html, Not(HasSubstr("<style")));
  EXPECT_THAT(html, Not(HasSubstr("<script>")));
}

TEST_F(WebPage, FilesWithAHashInTheirNameMayBeKeptForEver) {
  int scripts = 0;
  for (const WebFile& file : web_files()) {
    if (!file.path.starts_with("assets/")) continue;
    const RawReply reply = get("/" + std::string(file.path));
    EXPECT_EQ(reply.status, 200) << file.path;
    EXPECT_EQ(reply.body, file.bytes) << file.path;
    EXPECT_THAT(reply.header("Cache-Control"), HasSubstr("immutable"));
    EXPECT_EQ(reply.header("X-Content-Type-Options"), "nosniff");
    EXPECT_THAT(reply.header("Content-Type"), Not(HasSubstr("octet-stream"))) << file.path;
    if (file.path.ends_with(".js")) {
      EXPECT_EQ(reply.header("Content-Type"), "text/javascript; charset=utf-8");
      ++scripts;
    }
  }
  EXPECT_GE(scripts, 2);
}

TEST_F(WebPage, GivesNothingButItsFiles) {
  for (const char* path : {"/assets/", "/assets/none.js", "/assets/../index.html", "/assets/..%2f..%2fetc/passwd",
                           "/assets/%00", "/index.html"})
    EXPECT_EQ(get(path).status, 404) << path;
}

}  // namespace
}  // namespace troika::server
