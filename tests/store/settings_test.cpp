// Where things lie and whom is asked, as the environment says.
#include "store/settings.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <map>

#include "base/error.h"
#include "files/scratch.h"

namespace troika::store {
namespace {

using testing::HasSubstr;

class StoreSettings : public testing::Test {
 protected:
  // The settings with these variables and no others of those that matter.
  Settings with(const std::map<std::string, std::string>& variables) {
    for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HF_ENDPOINT", "HF_TOKEN",
                             "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HUB_OFFLINE", "TROIKA_OFFLINE", "TROIKA_HOME",
                             "XDG_DATA_HOME"})
      ::unsetenv(name);
    ::setenv("HOME", scratch_.path().c_str(), 1);
    for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
    return settings_from_environment("zoo.json");
  }

  files::Scratch scratch_;
};

TEST_F(StoreSettings, TheCacheIsWhereHuggingFaceHasIt) {
  EXPECT_EQ(with({}).cache, scratch_ / ".cache/huggingface/hub");
  EXPECT_EQ(with({{"XDG_CACHE_HOME", "/x"}}).cache, "/x/huggingface/hub");
  EXPECT_EQ(with({{"XDG_CACHE_HOME", "/x"}, {"HF_HOME", "/hf"}}).cache, "/hf/hub");
  EXPECT_EQ(with({{"HF_HOME", "/hf"}, {"HF_HUB_CACHE", "~/c"}}).cache, scratch_ / "c");
  EXPECT_EQ(with({}).home, scratch_ / ".local/share/troika");
  EXPECT_EQ(with({{"XDG_DATA_HOME", "/d"}}).home, "/d/troika");
  EXPECT_EQ(with({{"XDG_DATA_HOME", "/d"}, {"TROIKA_HOME", "/t"}}).home, "/t");
}

TEST_F(StoreSettings, TheTokenComesFromTheVariableElseFromTheFile) {
  EXPECT_EQ(with({}).token, "");
  scratch_.write("token", "hf_file\n");
  EXPECT_EQ(with({{"HF_HOME", scratch_.path()}}).token, "hf_file");
  EXPECT_EQ(with({{"HF_HOME", scratch_.path()}, {"HF_TOKEN", "hf_set"}}).token, "hf_set");
  EXPECT_EQ(with({{"HF_TOKEN_PATH", scratch_ / "token"}}).token, "hf_file");
  EXPECT_THROW(with({{"HF_TOKEN", "a\r\nHost: evil"}}), Error);
}

TEST_F(StoreSettings, TheEndpointIsAUrl) {
  EXPECT_EQ(with({}).endpoint, "https://huggingface.co");
  EXPECT_EQ(with({{"HF_ENDPOINT", "http://127.0.0.1:1/"}}).endpoint, "http://127.0.0.1:1");
  EXPECT_THROW(with({{"HF_ENDPOINT", "mirror"}}), Error);
  EXPECT_THROW(with({{"HF_ENDPOINT", "ftp://a"}}), Error);
  EXPECT_THROW(with({{"HF_ENDPOINT", "https://u:p@a"}}), Error);
}

TEST_F(StoreSettings, TheNetworkCanBeForbidden) {
  EXPECT_EQ(with({}).offline_by, "");
  EXPECT_EQ(with({{"HF_HUB_OFFLINE", "0"}}).offline_by, "");
  EXPECT_EQ(with({{"HF_HUB_OFFLINE", "ON"}}).offline_by, "HF_HUB_OFFLINE");
  EXPECT_EQ(with({{"TROIKA_OFFLINE", "1"}}).offline_by, "TROIKA_OFFLINE");
}

}  // namespace
}  // namespace troika::store
