// Pulling from a hub that behaves, and from ones that do not.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <thread>

#include "store/download.h"
#include "store/fake_hub.h"
#include "store/file_lock.h"
#include "store/stopped.h"

namespace troika::store {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string kBytes = some_bytes(300'000);
constexpr const char* kName = "me/it-GGUF:Q8_0";

class Pull : public testing::Test {
 protected:
  // What every request for content asked for, by range.
  std::vector<std::string> ranges() const {
    std::vector<std::string> found;
    for (const FakeRequest& request : hub_.content.requests()) found.push_back(request.header("range"));
    return found;
  }
  void leave_part(const std::string& bytes) {
    fs::create_directories(hub_.part(kBytes).parent_path());
    std::ofstream(hub_.part(kBytes), std::ios::binary) << bytes;
  }
  std::string read(const fs::path& path) const {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // A file anywhere, in the version that the etag names.
  void serve_file(const std::string& bytes, const std::string& etag) {
    hub_.meddle_content = [=](const FakeRequest& request) -> std::optional<FakeAnswer> {
      size_t begin = request.begin();
      if (request.header("range").empty()) return FakeAnswer{.headers = {{"ETag", etag}}, .body = bytes};
      size_t count = request.header("range") == "bytes=0-0" ? 1 : bytes.size() - begin;
      return FakeAnswer{.status = "206 Partial Content",
                        .headers = {{"ETag", etag},
                                    {"Content-Range",
                                     fmt::format("bytes {}-{}/{}", begin, begin + count - 1, bytes.size())}},
                        .body = bytes.substr(begin, count)};
    };
  }
  std::string url() const { return hub_.content.url() + "/files/own-Q4_0.gguf"; }
  size_t downloads() const {
    return size_t(
        std::ranges::count_if(ranges(), [](const std::string& range) { return range != "bytes=0-0"; }));
  }
  size_t folders() const {
    return size_t(std::distance(fs::directory_iterator(hub_.settings.home / "files"), {}));
  }
  void expect_whole() const {
    auto model = hub_.store().find(kName);
    ASSERT_TRUE(model);
    EXPECT_EQ(read(model->path), kBytes);
    EXPECT_FALSE(fs::exists(hub_.part(kBytes)));
  }

  FakeHub hub_{{{"me/it-GGUF", {{"it-Q8_0.gguf", kBytes}, {"README.md", "# it"}}}}};
};

TEST_F(Pull, BringsNamesAndReports) {
  std::vector<Progress> seen;
  PullPlan plan;
  Model model = hub_.store().pull(
      kName, {[&](const PullPlan& p) { plan = p; }, [&](const Progress& p) { seen.push_back(p); }}, {});
  EXPECT_EQ(plan.bytes, kBytes.size());
  EXPECT_EQ(plan.missing_bytes, kBytes.size());
  EXPECT_EQ(model.digest, sha256_of(kBytes));
  EXPECT_EQ(model.name, kName);
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.back().stage, Stage::done);
  EXPECT_EQ(seen.back().completed, kBytes.size());
  EXPECT_EQ(seen.back().digest, model.digest);
  expect_whole();
  hub_.store().pull(kName, {[&](const PullPlan& p) { plan = p; }}, {});
  EXPECT_EQ(plan.missing_bytes, 0u);
  EXPECT_THAT(ranges(), ElementsAre(""));
}

TEST_F(Pull, GoesOnWhereAnEarlierOneEnded) {
  leave_part(kBytes.substr(0, 100'000));
  EXPECT_EQ(hub_.failure(kName), "");
  EXPECT_THAT(ranges(), ElementsAre("bytes=100000-"));
  expect_whole();
}

TEST_F(Pull, APartThatIsWholeIsOnlyChecked) {
  leave_part(kBytes);
  EXPECT_EQ(hub_.failure(kName), "");
  EXPECT_THAT(ranges(), IsEmpty());
  expect_whole();
}

TEST_F(Pull, ACorruptedPartIsFoundOutAndDeleted) {
  std::string part = kBytes.substr(0, 100'000);
  part[5000] ^= 1;
  leave_part(part);
  EXPECT_THAT(hub_.failure(kName),
              AllOf(HasSubstr("it-Q8_0.gguf"), HasSubstr("wrong checksum"), HasSubstr("pull again")));
  EXPECT_FALSE(fs::exists(hub_.part(kBytes)));
  EXPECT_FALSE(fs::exists(hub_.blob(kBytes)));
  EXPECT_FALSE(hub_.store().find(kName));
  EXPECT_EQ(hub_.failure(kName), "");
  expect_whole();
}

TEST_F(Pull, APartThatIsTooLongBeginsAnew) {
  leave_part(kBytes + "x");
  EXPECT_EQ(hub_.failure(kName), "");
  EXPECT_THAT(ranges(), ElementsAre(""));
  expect_whole();
}

TEST_F(Pull, APartThatIsALinkIsNotWrittenThrough) {
  fs::path outside = hub_.scratch.write("outside", "precious");
  fs::create_directories(hub_.part(kBytes).parent_path());
  fs::create_symlink(outside, hub_.part(kBytes));
  EXPECT_THAT(hub_.failure(kName), HasSubstr("cannot write"));
  EXPECT_EQ(hub_.scratch.read("outside"), "precious");
}

TEST_F(Pull, WhatComesWithTheWrongBytesIsNotKept) {
  hub_.meddle_content = [](const FakeRequest&) { return FakeAnswer{.body = some_bytes(300'000, 2)}; };
  EXPECT_THAT(hub_.failure(kName), HasSubstr("wrong checksum"));
  EXPECT_FALSE(hub_.store().find(kName));
}

TEST_F(Pull, AConnectionThatBreaksIsTakenUpAgain) {
  hub_.meddle_content = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (hub_.content.requests().size() > 3) return std::nullopt;
    std::string rest = kBytes.substr(request.begin());
    FakeAnswer answer{.body = rest, .cut_after = 50'000};
    if (request.begin() > 0) {
      answer.status = "206 Partial Content";
      answer.headers = {{"Content-Range", fmt::format("bytes {}-299999/300000", request.begin())}};
    }
    return answer;
  };
  EXPECT_EQ(hub_.failure(kName), "");
  EXPECT_THAT(ranges(), ElementsAre("", "bytes=50000-", "bytes=100000-", "bytes=150000-"));
  expect_whole();
}

TEST_F(Pull, AServerThatKnowsNoRangesBeginsAnew) {
  leave_part(kBytes.substr(0, 100'000));
  hub_.meddle_content = [](const FakeRequest&) { return FakeAnswer{.body = kBytes}; };
  EXPECT_EQ(hub_.failure(kName), "");
  expect_whole();
}

TEST_F(Pull, AnotherPartThanAskedForIsRefused) {
  leave_part(kBytes.substr(0, 100'000));
  hub_.meddle_content = [](const FakeRequest&) {
    return FakeAnswer{.status = "206 Partial Content",
                      .headers = {{"Content-Range", "bytes 50000-299999/300000"}},
                      .body = kBytes.substr(50'000)};
  };
  EXPECT_THAT(hub_.failure(kName), HasSubstr("another part"));
  EXPECT_EQ(read(hub_.part(kBytes)), kBytes.substr(0, 100'000));
}

TEST_F(Pull, AVersionThatChangesInBetweenIsNotMixedIn) {
  leave_part(kBytes.substr(0, 100'000));
  const std::map<std::string, std::string> changes[] = {{{"X-Linked-ETag", "\"" + sha256_of("new") + "\""}},
                                                        {{"X-Linked-Size", "300001"}},
                                                        {{"X-Repo-Commit", std::string(40, 'f')}}};
  for (const auto& headers : changes) {
    hub_.meddle_hub = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
      if (request.target.find("/resolve/") == std::string::npos) return std::nullopt;
      FakeAnswer answer{.status = "302 Found", .headers = headers};
      answer.headers["Location"] = hub_.content.url() + "/me/it-GGUF/it-Q8_0.gguf";
      return answer;
    };
    EXPECT_THAT(hub_.failure(kName), HasSubstr("another version now")) << headers.begin()->first;
  }
  hub_.meddle_hub = [](const FakeRequest&) { return std::nullopt; };
  hub_.meddle_content = [](const FakeRequest&) {
    return FakeAnswer{.status = "206 Partial Content",
                      .headers = {{"Content-Range", "bytes 100000-300000/300001"}},
                      .body = kBytes.substr(100'000) + "x"};
  };
  EXPECT_THAT(hub_.failure(kName), HasSubstr("another version now"));
  EXPECT_EQ(read(hub_.part(kBytes)), kBytes.substr(0, 100'000));
  EXPECT_FALSE(hub_.store().find(kName));
}

TEST_F(Pull, ANewVersionOfTheRepositoryStandsBesideTheOld) {
  EXPECT_EQ(hub_.failure(kName), "");
  std::string other(40, '7'), bytes = some_bytes(1000, 3);
  hub_.meddle_hub = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (request.target.find("/resolve/") != std::string::npos)
      return FakeAnswer{.status = "302 Found", .headers = {{"Location", hub_.content.url() + "/new"}}};
    nlohmann::json file{{"rfilename", "it-Q8_0.gguf"},
                        {"size", 1000},
                        {"lfs", {{"sha256", sha256_of(bytes)}, {"size", 1000}}}};
    return FakeAnswer{.body =
                          nlohmann::json{{"id", "me/it-GGUF"}, {"sha", other}, {"siblings", {file}}}.dump()};
  };
  hub_.meddle_content = [&](const FakeRequest&) { return FakeAnswer{.body = bytes}; };
  EXPECT_EQ(hub_.failure(kName), "");
  EXPECT_EQ(hub_.store().find(kName)->commit, other);
  EXPECT_EQ(hub_.store().remove(kName).freed_bytes, 1000u);
  EXPECT_EQ(hub_.store().find(kName)->commit, kCommit);
}

TEST_F(Pull, TheTokenGoesToTheHubAlone) {
  hub_.settings.token = "hf_secret";
  EXPECT_EQ(hub_.failure(kName), "");
  for (const FakeRequest& request : hub_.hub.requests())
    EXPECT_EQ(request.header("authorization"), "Bearer hf_secret");
  ASSERT_FALSE(hub_.content.requests().empty());
  for (const FakeRequest& request : hub_.content.requests()) EXPECT_EQ(request.header("authorization"), "");
}

TEST_F(Pull, TheTokenFollowsNoRedirectToAnotherPortOrName) {
  hub_.settings.token = "hf_secret";
  FakeServer thief([](const FakeRequest&) { return FakeAnswer{.status = "404 Not Found"}; });
  std::string port = thief.url().substr(thief.url().rfind(':'));
  for (const std::string& place : {thief.url() + "/api/models/me/it-GGUF", "http://localhost" + port + "/x",
                                   "http://[::1]" + port + "/x"}) {
    hub_.meddle_hub = [&](const FakeRequest&) {
      return FakeAnswer{.status = "307 Temporary Redirect", .headers = {{"Location", place}}};
    };
    EXPECT_NE(hub_.failure(kName), "");
  }
  EXPECT_GE(thief.requests().size(), 2u);
  for (const FakeRequest& request : thief.requests()) EXPECT_EQ(request.header("authorization"), "");
}

TEST_F(Pull, TheTokenIsNotSentInTheOpen) {
  hub_.settings.token = "hf_secret";
  // Answers here, but its address is not known to be this machine's.
  FakeServer open([](const FakeRequest&) { return FakeAnswer{.status = "404 Not Found"}; }, 0x7f000002);
  hub_.settings.endpoint = open.url("127.0.0.2");
  EXPECT_THAT(hub_.failure(kName), HasSubstr("has no me/it-GGUF"));
  ASSERT_EQ(open.requests().size(), 1u);
  EXPECT_EQ(open.requests()[0].header("authorization"), "");
}

TEST_F(Pull, RedirectsDoNotLeaveThisMachineUnencryptedNorTurnForEver) {
  hub_.meddle_hub = [&](const FakeRequest&) {
    return FakeAnswer{.status = "302 Found", .headers = {{"Location", "http://192.0.2.1/x"}}};
  };
  EXPECT_THAT(hub_.failure(kName), HasSubstr("without encryption"));
  hub_.meddle_hub = [&](const FakeRequest& r) {
    return FakeAnswer{.status = "302 Found", .headers = {{"Location", r.target + "a"}}};
  };
  EXPECT_THAT(hub_.failure(kName), HasSubstr("redirects more than 10 times"));
  for (const char* place : {"file:///etc/passwd", "ftp://127.0.0.1/", "http://user:pw@127.0.0.1/"}) {
    hub_.meddle_hub = [&](const FakeRequest&) {
      return FakeAnswer{.status = "302 Found", .headers = {{"Location", place}}};
    };
    EXPECT_THAT(hub_.failure(kName), HasSubstr("no valid http")) << place;
  }
}

TEST_F(Pull, AGatedRepositorySaysWhereToAcceptItsLicence) {
  for (const char* status : {"401 Unauthorized", "403 Forbidden"}) {
    hub_.meddle_hub = [status](const FakeRequest& request) -> std::optional<FakeAnswer> {
      if (request.target.find("/resolve/") == std::string::npos) return std::nullopt;
      return FakeAnswer{.status = status, .headers = {{"X-Error-Code", "GatedRepo"}}};
    };
    EXPECT_THAT(hub_.failure(kName),
                AllOf(HasSubstr("me/it-GGUF is gated"), HasSubstr(hub_.settings.endpoint + "/me/it-GGUF"),
                      HasSubstr("set HF_TOKEN"), HasSubstr("/settings/tokens")));
  }
  hub_.settings.token = "hf_some";
  EXPECT_THAT(hub_.failure(kName), AllOf(HasSubstr("does not suffice"), Not(HasSubstr("hf_some"))));
}

TEST_F(Pull, WhatIsNotThereIsSaidInASentence) {
  EXPECT_THAT(hub_.failure("me/none"), AllOf(HasSubstr("shows no me/none"), HasSubstr("name is wrong")));
  hub_.meddle_hub = [](const FakeRequest&) {
    return FakeAnswer{.status = "404 Not Found", .headers = {{"X-Error-Code", "RevisionNotFound"}}};
  };
  EXPECT_THAT(hub_.failure(hub_.hub.url() + "/me/it-GGUF/resolve/v9/it-Q8_0.gguf"),
              HasSubstr("has no me/it-GGUF at revision v9"));
  EXPECT_THAT(hub_.failure("nothing"), HasSubstr("there is no model 'nothing'"));
}

TEST_F(Pull, ABusyHubIsAskedAgainWhenItSays) {
  std::atomic<int> refusals = 0;
  auto busy = [&](const FakeRequest&) -> std::optional<FakeAnswer> {
    if (refusals++ > 0) return std::nullopt;
    return FakeAnswer{.status = "429 Too Many Requests", .headers = {{"Retry-After", "1"}}};
  };
  hub_.meddle_hub = busy;
  auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(hub_.failure(kName), "");
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::seconds(1));
  hub_.meddle_hub = [](const FakeRequest&) {
    return FakeAnswer{.status = "429 Too Many Requests", .headers = {{"Retry-After", "3600"}}};
  };
  EXPECT_THAT(hub_.failure(kName), AllOf(HasSubstr("429"), HasSubstr("3600 s")));
}

TEST_F(Pull, AFaultThatPassesIsWaitedForAndOneThatStaysIsNot) {
  std::atomic<int> count = 0;
  hub_.meddle_hub = [&](const FakeRequest&) -> std::optional<FakeAnswer> {
    if (count++ % 4 == 3) return std::nullopt;
    return FakeAnswer{.status = "503 Service Unavailable"};
  };
  EXPECT_EQ(hub_.failure(kName), "");
  EXPECT_EQ(count, 8);
  count = 0;
  hub_.meddle_hub = [&](const FakeRequest&) {
    return ++count, FakeAnswer{.status = "500 Internal Server Error"};
  };
  EXPECT_THAT(hub_.failure(kName), HasSubstr("answered 500 when asked for me/it-GGUF"));
  EXPECT_EQ(count, 6);
}

TEST_F(Pull, AnUnreachableHubIsNamed) {
  hub_.settings.endpoint = "http://127.0.0.1:1";
  EXPECT_THAT(hub_.failure(kName), AllOf(HasSubstr("127.0.0.1 cannot be reached"), HasSubstr("HTTPS_PROXY")));
  hub_.settings.endpoint = "http://no-such-host.invalid";
  EXPECT_THAT(hub_.failure(kName), HasSubstr("no-such-host.invalid cannot be reached"));
}

TEST_F(Pull, OfflineNothingIsAsked) {
  hub_.settings.offline_by = "HF_HUB_OFFLINE";
  EXPECT_THAT(hub_.failure(kName),
              AllOf(HasSubstr("me/it-GGUF is not here"), HasSubstr("HF_HUB_OFFLINE forbids")));
  EXPECT_THAT(hub_.failure("https://example.org/a.gguf"), HasSubstr("HF_HUB_OFFLINE forbids"));
  EXPECT_THAT(hub_.hub.requests(), IsEmpty());
}

TEST_F(Pull, AFullDiskIsSaidBeforeAnythingIsDownloaded) {
  hub_.settings.free_bytes = [](const fs::path&) { return uint64_t{250'000}; };
  EXPECT_THAT(hub_.failure(kName), AllOf(HasSubstr("0.2 MB of room"), HasSubstr("0.3 MB are still to come"),
                                         HasSubstr("HF_HUB_CACHE")));
  EXPECT_THAT(ranges(), IsEmpty());
  leave_part(kBytes.substr(0, 100'000));
  EXPECT_EQ(hub_.failure(kName), "");  // what is here needs no more room
}

TEST_F(Pull, AHubThatTalksNonsenseIsNotBelieved) {
  const std::string answers[] = {"",
                                 "<html>",
                                 "[]",
                                 "{}",
                                 R"({"sha": "main", "siblings": []})",
                                 R"({"sha": "../../../../../../../../../../../../../x", "siblings": []})",
                                 R"({"sha": ")" + kCommit + R"(", "siblings": {}})",
                                 std::string(1'000'000, '[') + std::string(1'000'000, ']')};
  for (const std::string& answer : answers) {
    hub_.meddle_hub = [&](const FakeRequest&) { return FakeAnswer{.body = answer}; };
    EXPECT_THAT(hub_.failure(kName), HasSubstr("does not answer as a Hugging Face hub")) << answer;
  }
}

TEST_F(Pull, AListingThatIsCutAnywhereIsNotBelieved) {
  std::string whole =
      nlohmann::json{
          {"id", "me/it-GGUF"}, {"sha", kCommit}, {"siblings", {{{"rfilename", "a-Q8_0.gguf"}, {"size", 3}}}}}
          .dump();
  for (size_t length = 0; length < whole.size(); ++length) {
    hub_.meddle_hub = [part = whole.substr(0, length)](const FakeRequest&) {
      return FakeAnswer{.body = part};
    };
    EXPECT_THAT(hub_.failure(kName), HasSubstr("does not answer as a Hugging Face hub")) << length;
  }
}

TEST_F(Pull, AListingWithoutEndIsGivenUp) {
  hub_.meddle_hub = [](const FakeRequest&) { return FakeAnswer{.body = std::string(65 << 20, ' ')}; };
  EXPECT_THAT(hub_.failure(kName), HasSubstr("lists more files"));
  hub_.meddle_hub = [](const FakeRequest&) {
    return FakeAnswer{.headers = {{"X-Long", std::string(70'000, 'x')}}};
  };
  EXPECT_NE(hub_.failure(kName), "");
}

TEST_F(Pull, FilesWithDangerousNamesOrDigestsAreNotTaken) {
  auto listing = [&](const std::string& file, const nlohmann::json& more) {
    nlohmann::json sibling{{"rfilename", file}, {"size", 3}};
    sibling.update(more);
    std::string body =
        nlohmann::json{{"id", "me/it-GGUF"}, {"sha", kCommit}, {"siblings", {sibling, 7, nullptr}}}.dump();
    hub_.meddle_hub = [body](const FakeRequest& request) -> std::optional<FakeAnswer> {
      if (request.target.find("/resolve/") == std::string::npos) return FakeAnswer{.body = body};
      return FakeAnswer{.headers = {{"ETag", "\"../../../../x\""}}, .body = "abc"};
    };
    return hub_.failure(kName);
  };
  for (const char* file : {"../../../evil-Q8_0.gguf", "/tmp/evil-Q8_0.gguf", "a/../../evil-Q8_0.gguf",
                           "a\\..\\evil-Q8_0.gguf", "a\n-Q8_0.gguf"})
    EXPECT_THAT(listing(file, {{"lfs", {{"sha256", sha256_of("abc")}}}}), HasSubstr("neither GGUF files"))
        << file;
  for (const char* digest : {"../../../../evil", "", "ABCDEF", "0123"})
    EXPECT_THAT(listing("it-Q8_0.gguf", {{"lfs", {{"sha256", digest}}}}), HasSubstr("names no checksum"))
        << digest;
  EXPECT_FALSE(fs::exists(hub_.repository() / "blobs"));
}

TEST_F(Pull, DigestsThatTheListingLacksAreAskedFor) {
  hub_.lists_digests = false;
  EXPECT_EQ(hub_.failure(kName), "");
  expect_whole();
  EXPECT_TRUE(fs::exists(hub_.blob(kBytes)));
}

TEST_F(Pull, SmallFilesAreCheckedByGitsHash) {
  std::string text = "abc";
  Digest git(DigestKind::git_blob, text.size());
  git.add(text);
  EXPECT_EQ(git.hex(), "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f");  // printf abc | git hash-object --stdin
  FileSource source{.url = hub_.content.url() + "/x",
                    .name = "config.json",
                    .bytes = 3,
                    .digest = "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f"};
  Destination place{hub_.scratch / "config.json", hub_.scratch / "part", hub_.scratch / "lock"};
  hub_.meddle_content = [](const FakeRequest&) { return FakeAnswer{.body = "abd"}; };
  EXPECT_THROW(download(source, place, hub_.settings, [](const Progress&) {}, {}), Error);
  hub_.meddle_content = [](const FakeRequest&) { return FakeAnswer{.body = "abc"}; };
  EXPECT_EQ(download(source, place, hub_.settings, [](const Progress&) {}, {}), source.digest);
}

TEST_F(Pull, TwoAtOnceDownloadOnce) {
  hub_.meddle_content = [](const FakeRequest&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    return std::nullopt;
  };
  std::atomic<int> waited = 0;
  {
    std::vector<std::jthread> pulls;
    for (int i = 0; i < 4; ++i) {
      pulls.emplace_back([&] {
        hub_.store().pull(kName,
                          {.progress = [&](const Progress& p) { waited += p.stage == Stage::waiting; }}, {});
      });
    }
  }
  EXPECT_THAT(ranges(), ElementsAre(""));
  EXPECT_EQ(waited, 3);
  expect_whole();
}

TEST_F(Pull, AStopKeepsWhatCame) {
  std::stop_source stop;
  hub_.meddle_content = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (request.begin() > 0 || stop.stop_requested()) return std::nullopt;
    return FakeAnswer{.body = kBytes, .cut_after = 200'000};
  };
  hub_.settings.retry_pause = std::chrono::hours(1);  // the connection breaks, and the pull waits
  std::jthread stopper([&] {
    std::error_code error;
    while (fs::file_size(hub_.part(kBytes), error) != 200'000)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    stop.request_stop();
  });
  try {
    hub_.store().pull(kName, {}, stop.get_token());
    FAIL();
  } catch (const Stopped& stopped) {
    EXPECT_THAT(stopped.what(), HasSubstr("pull again to go on"));
  }
  EXPECT_EQ(read(hub_.part(kBytes)), kBytes.substr(0, 200'000));
  EXPECT_EQ(hub_.failure(kName), "");
  EXPECT_THAT(ranges(), ElementsAre("", "bytes=200000-"));
  expect_whole();
}

TEST_F(Pull, AFileFromAnywhereIsResumedByItsEtag) {
  std::string name = hub_.content.url() + "/files/own-Q4_0.gguf", etag = "\"one\"";
  std::vector<std::string> conditions;
  hub_.meddle_content = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (request.header("range") == "bytes=0-0")
      return FakeAnswer{.status = "206 Partial Content",
                        .headers = {{"Content-Range", "bytes 0-0/300000"}, {"ETag", etag}},
                        .body = "x"};
    conditions.push_back(request.header("range") + " " + request.header("if-range"));
    if (request.begin() == 0)
      return FakeAnswer{.headers = {{"ETag", etag}}, .body = kBytes, .cut_after = 100'000};
    return FakeAnswer{.status = "206 Partial Content",
                      .headers = {{"ETag", etag},
                                  {"Content-Range", fmt::format("bytes {}-299999/300000", request.begin())}},
                      .body = kBytes.substr(request.begin())};
  };
  EXPECT_EQ(hub_.failure(name), "");
  EXPECT_THAT(conditions, ElementsAre(" ", "bytes=100000- \"one\""));
  Store store = hub_.store();
  auto model = store.find("own-q4_0");
  ASSERT_TRUE(model);
  EXPECT_EQ(read(model->path), kBytes);
  EXPECT_EQ(store.find(name)->path, model->path);
  EXPECT_EQ(model->digest, sha256_of(kBytes));
  EXPECT_EQ(hub_.failure(name), "");  // the same version again: nothing comes
  EXPECT_EQ(conditions.size(), 2u);
  etag = "\"two\"";
  EXPECT_EQ(hub_.failure(name), "");
  EXPECT_EQ(conditions.size(), 4u);
  EXPECT_EQ(std::distance(fs::directory_iterator(hub_.settings.home / "files"), {}), 1);
  EXPECT_THAT(hub_.failure(hub_.content.url() + "/other/own-Q4_0.gguf"),
              HasSubstr("names another model already"));
  EXPECT_EQ(store.remove("own-q4_0").freed_bytes, kBytes.size());
  EXPECT_FALSE(store.find(name));
  EXPECT_TRUE(fs::is_empty(hub_.settings.home / "files"));
}

TEST_F(Pull, ANewVersionLeavesTheOldOneToAnotherName) {
  serve_file(kBytes, "\"one\"");
  EXPECT_EQ(hub_.failure(url()), "");
  hub_.store().copy("own-q4_0", "mine");
  std::string changed = some_bytes(200'000, 2);
  serve_file(changed, "\"two\"");
  EXPECT_EQ(hub_.failure(url()), "");
  ASSERT_TRUE(hub_.store().find("mine"));
  EXPECT_EQ(read(hub_.store().find("mine")->path), kBytes);
  EXPECT_EQ(read(hub_.store().find("own-q4_0")->path), changed);
  EXPECT_EQ(hub_.store().unfinished_bytes(), 0u);
  EXPECT_EQ(hub_.store().remove("own-q4_0").freed_bytes, changed.size());
  EXPECT_EQ(hub_.failure(url()), "");  // its name is free, and "mine" keeps the old version
  EXPECT_EQ(read(hub_.store().find("mine")->path), kBytes);
  EXPECT_EQ(hub_.store().remove("mine").freed_bytes, kBytes.size());
  EXPECT_EQ(folders(), 1u);
}

TEST_F(Pull, AHomeThatIsSpelledAnotherWayIsTheSame) {
  serve_file(kBytes, "\"one\"");
  EXPECT_EQ(hub_.failure(url()), "");
  fs::create_directory_symlink(hub_.settings.home, hub_.scratch / "link");
  hub_.settings.home = hub_.scratch / "link";
  EXPECT_EQ(hub_.store().unfinished_bytes(), 0u);
  EXPECT_EQ(hub_.failure(url()), "");
  ASSERT_TRUE(hub_.store().find("own-q4_0"));
  EXPECT_EQ(read(hub_.store().find("own-q4_0")->path), kBytes);
}

TEST_F(Pull, AStopEndsTheWaitForTheIndex) {
  serve_file(kBytes, "\"one\"");
  for (const std::string& name : {url(), std::string(kName)}) {
    auto index = std::make_optional<FileLock>(hub_.settings.home / "index.lock", std::stop_token());
    std::stop_source stop;
    auto pull = std::async(std::launch::async, [&] {
      auto stop_at_the_end = [&](const Progress& p) {
        if (p.stage == Stage::done) stop.request_stop();
      };
      hub_.store().pull(name, {.progress = stop_at_the_end}, stop.get_token());
    });
    EXPECT_EQ(pull.wait_for(std::chrono::seconds(20)), std::future_status::ready) << name;
    index.reset();
    EXPECT_THROW(pull.get(), Stopped) << name;
  }
  EXPECT_FALSE(hub_.store().find(url()));
  EXPECT_EQ(hub_.store().unfinished_bytes(), kBytes.size());
  size_t before = downloads();
  EXPECT_EQ(hub_.failure(url()), "");  // what came is named now, not downloaded again
  EXPECT_EQ(downloads(), before);
  EXPECT_EQ(read(hub_.store().find(url())->path), kBytes);
  EXPECT_EQ(hub_.store().find(url())->digest, sha256_of(kBytes));
  EXPECT_EQ(hub_.store().unfinished_bytes(), 0u);
}

TEST_F(Pull, AFileThatIsAboutToBeNamedIsNotUnfinished) {
  serve_file(kBytes, "\"one\"");
  auto index = std::make_optional<FileLock>(hub_.settings.home / "index.lock", std::stop_token());
  std::promise<void> came;
  auto pull = std::async(std::launch::async, [&] {
    auto tell = [&](const Progress& p) {
      if (p.stage == Stage::done) came.set_value();
    };
    hub_.store().pull(url(), {.progress = tell}, {});
  });
  came.get_future().wait();
  EXPECT_EQ(hub_.store().remove_unfinished(), 0u);
  index.reset();
  EXPECT_NO_THROW(pull.get());
  EXPECT_EQ(read(hub_.store().find(url())->path), kBytes);
}

TEST_F(Pull, OfTwoFilesThatWouldBeCalledTheSameTheFirstHasTheName) {
  std::string other = hub_.content.url() + "/other/own-Q4_0.gguf", bytes = some_bytes(1000, 2);
  serve_file(bytes, "\"other\"");
  auto serve_other = hub_.meddle_content;
  serve_file(kBytes, "\"one\"");
  auto serve_first = hub_.meddle_content;
  std::string failure = "not pulled";
  hub_.meddle_content = [&](const FakeRequest& request) {
    if (request.target.starts_with("/other/")) return serve_other(request);
    if (request.header("range").empty()) failure = hub_.failure(other);  // while the first one comes
    return serve_first(request);
  };
  EXPECT_THAT(hub_.failure(url()), HasSubstr("names another model already"));
  EXPECT_EQ(failure, "");
  EXPECT_EQ(read(hub_.store().find("own-q4_0")->path), bytes);
  EXPECT_EQ(hub_.store().unfinished_bytes(), kBytes.size());
  EXPECT_EQ(hub_.store().remove_unfinished(), kBytes.size());
  EXPECT_EQ(folders(), 1u);
}

TEST_F(Pull, WhatIsRemovedWhileItIsCopiedHasNoNewName) {
  serve_file(kBytes, "\"one\"");
  EXPECT_EQ(hub_.failure(url()), "");
  auto index = std::make_optional<FileLock>(hub_.settings.home / "index.lock", std::stop_token());
  auto copy = std::async(std::launch::async, [&] { hub_.store().copy("own-q4_0", "mine"); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // it finds the model, and waits
  hub_.scratch.write("own/index.json", R"({"version": 1, "models": []})");
  index.reset();
  EXPECT_THROW(copy.get(), Error);
  EXPECT_FALSE(hub_.store().find("mine"));
}

TEST_F(Pull, ALargeFileComesWholeAlsoInTwoPulls) {
  std::string bytes = some_bytes(100'000'000), name = hub_.content.url() + "/files/large.gguf";
  serve_file(bytes, "\"one\"");
  auto whole = hub_.meddle_content;
  hub_.meddle_content = [&](const FakeRequest& request) {
    auto answer = whole(request);
    if (request.header("range").empty()) answer->cut_after = 45'000'000;
    return downloads() > 1 ? FakeAnswer{.status = "403 Forbidden"} : answer;
  };
  EXPECT_THAT(hub_.failure(name), HasSubstr("403"));
  EXPECT_EQ(hub_.store().unfinished_bytes(), 45'000'000u);
  hub_.meddle_content = whole;
  EXPECT_EQ(hub_.failure(name), "");
  EXPECT_EQ(hub_.store().find("large")->digest, sha256_of(bytes));
}

TEST_F(Pull, AFileWithoutAnEtagIsNotResumedAcrossPulls) {
  std::string name = hub_.content.url() + "/files/own-Q4_0.gguf";
  bool cut = true;
  hub_.meddle_content = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (request.header("range") == "bytes=0-0") return FakeAnswer{.body = kBytes};
    if (cut) return FakeAnswer{.status = "403 Forbidden"};
    return FakeAnswer{.body = kBytes};
  };
  EXPECT_THAT(hub_.failure(name), HasSubstr("answered 403"));
  for (const auto& entry : fs::recursive_directory_iterator(hub_.settings.home)) {
    if (entry.path().filename() == "incomplete") std::ofstream(entry.path()) << "old";
  }
  cut = false;
  EXPECT_EQ(hub_.failure(name), "");
  EXPECT_EQ(read(hub_.store().find(name)->path), kBytes);
}

}  // namespace
}  // namespace troika::store
