// What is here: finding, listing, naming and removing.
#include "store/store.h"

#include <gmock/gmock.h>

#include <future>
#include <thread>

#include "store/fake_hub.h"
#include "store/file_lock.h"
#include "store/hub_cache.h"

namespace troika::store {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class Models : public testing::Test {
 protected:
  Models() { hub_.settings.zoo = TROIKA_SOURCE_DIR "/models/zoo.json"; }

  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const Model& model : hub_.store().list()) found.push_back(model.name);
    return found;
  }
  std::string file_of(const std::string& name) const {
    auto model = hub_.store().find(name);
    return model ? model->path.filename().string() : "";
  }
  // Files of me/x, as a download leaves them.
  void put_into_cache(const std::vector<std::string>& files) const {
    HubCache cache(hub_.settings.cache);
    for (const std::string& file : files) {
      Destination place = cache.place("me/x", sha256_of(file));
      fs::create_directories(place.file.parent_path());
      std::ofstream(place.file) << file;
      cache.link("me/x", kCommit, file, sha256_of(file));
    }
  }
  std::string refusal(const std::function<void(const Store&)>& work) const {
    try {
      work(hub_.store());
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }

  FakeHub hub_{{{"me/it-GGUF",
                 {{"it-Q4_K_M.gguf", some_bytes(40)},
                  {"it-Q8_0.gguf", some_bytes(80)},
                  {"it-f16-00001-of-00002.gguf", some_bytes(100)},
                  {"it-f16-00002-of-00002.gguf", some_bytes(60)},
                  {"mmproj-it-f16.gguf", some_bytes(9)}}},
                {"Qwen/Qwen3-8B-GGUF",
                 {{"Qwen3-8B-Q4_K_M.gguf", some_bytes(50)}, {"Qwen3-8B-Q8_0.gguf", some_bytes(70)}}}}};
};

TEST_F(Models, AreFoundByQuantisationElseTheUsualOne) {
  for (const char* tag : {"Q8_0", "f16"}) hub_.store().pull(std::string("me/it-GGUF:") + tag, {}, {});
  EXPECT_EQ(file_of("me/it-GGUF"), "it-Q8_0.gguf");  // what is here, nearest to the usual one
  EXPECT_EQ(file_of("ME/it-gguf:F16"), "it-f16-00001-of-00002.gguf");
  EXPECT_EQ(file_of("me/it-GGUF:Q4_K_M"), "");
  EXPECT_EQ(file_of("me/it-GGUF:it-Q8_0.gguf"), "it-Q8_0.gguf");
  hub_.store().pull("me/it-GGUF", {}, {});
  EXPECT_EQ(file_of("me/it-GGUF"), "it-Q4_K_M.gguf");
  EXPECT_EQ(hub_.store().find("me/it-GGUF:f16")->bytes, 169u);
}

TEST_F(Models, OfTheZooHaveTheirShortNames) {
  EXPECT_TRUE(hub_.store().can_pull("qwen3:8b"));
  EXPECT_FALSE(hub_.store().can_pull("qwen3:9b"));
  EXPECT_FALSE(hub_.store().can_pull("../x"));
  hub_.store().pull("qwen3-8b-Q8_0", {}, {});
  hub_.store().pull("qwen3", {}, {});
  EXPECT_THAT(names(), ElementsAre("qwen3:8b", "qwen3:8b-q8_0"));
  EXPECT_EQ(file_of("qwen3:8b"), "Qwen3-8B-Q4_K_M.gguf");
  EXPECT_EQ(file_of("qwen3:8b-q8_0"), "Qwen3-8B-Q8_0.gguf");
  EXPECT_EQ(file_of("qwen3:8b-q4_k_m"), "Qwen3-8B-Q4_K_M.gguf");
  hub_.store().remove("qwen3:8b");
  EXPECT_EQ(file_of("qwen3:8b"), "Qwen3-8B-Q8_0.gguf");
}

TEST_F(Models, ACopyIsAnotherNameForTheSameFiles) {
  hub_.store().pull("me/it-GGUF:Q8_0", {}, {});
  hub_.store().copy("me/it-GGUF:Q8_0", "GPT-4o");
  EXPECT_THAT(names(), ElementsAre("gpt-4o", "me/it-GGUF:Q8_0"));
  EXPECT_EQ(hub_.store().find("gpt-4O")->path, hub_.store().find("me/it-GGUF:Q8_0")->path);
  Removed first = hub_.store().remove("me/it-GGUF:Q8_0");
  EXPECT_EQ(first.freed_bytes, 0u);
  EXPECT_EQ(first.kept_for, "gpt-4o");
  EXPECT_THAT(refusal([](const Store& s) { s.remove("me/it-GGUF:Q8_0"); }),
              HasSubstr("is what 'gpt-4o' names"));
  EXPECT_EQ(hub_.store().remove("gpt-4o").freed_bytes, 89u);
  EXPECT_FALSE(fs::exists(hub_.repository()));
}

TEST_F(Models, ACopysNameIsPlainAndNotTheZoos) {
  hub_.store().pull("me/it-GGUF:Q8_0", {}, {});
  for (const char* name : {"", "a/b", "../x", "a b", "-a", "caf\xc3\xa9", ".x"})
    EXPECT_THAT(refusal([&](const Store& s) { s.copy("me/it-GGUF", name); }),
                HasSubstr("cannot be a model's name"))
        << name;
  EXPECT_THAT(refusal([](const Store& s) { s.copy("me/it-GGUF", "Qwen3-8B"); }), HasSubstr("take another"));
  EXPECT_THAT(refusal([](const Store& s) { s.copy("none", "x"); }), HasSubstr("there is no model 'none'"));
}

TEST_F(Models, TheProjectorStaysAsLongAsAnotherModelMayUseIt) {
  hub_.store().pull("me/it-GGUF:Q8_0", {}, {});
  hub_.store().pull("me/it-GGUF:f16", {}, {});
  EXPECT_EQ(hub_.store().remove("me/it-GGUF:f16").freed_bytes, 160u);
  EXPECT_EQ(hub_.store().find("me/it-GGUF")->files.size(), 2u);
  EXPECT_EQ(hub_.store().remove("me/it-GGUF:Q8_0").freed_bytes, 89u);
}

TEST_F(Models, RemovingSaysWhichWhenItIsNotClear) {
  for (const char* tag : {"Q8_0", "f16"}) hub_.store().pull(std::string("me/it-GGUF:") + tag, {}, {});
  EXPECT_THAT(refusal([](const Store& s) { s.remove("me/it-GGUF"); }),
              HasSubstr("me/it-GGUF:Q8_0, me/it-GGUF:F16; say which"));
  EXPECT_THAT(refusal([](const Store& s) { s.remove("me/it-GGUF:Q2_K"); }), HasSubstr("did you mean"));
  EXPECT_THAT(refusal([](const Store& s) { s.remove("../hub"); }), HasSubstr("cannot be"));
  EXPECT_THAT(refusal([](const Store& s) { s.remove("qwen3:8b"); }), HasSubstr("there is no model"));
  EXPECT_EQ(names().size(), 2u);
}

TEST_F(Models, ThatOthersDeletedAreGone) {
  hub_.store().pull("me/it-GGUF:Q8_0", {}, {});
  fs::remove_all(hub_.settings.cache);
  EXPECT_TRUE(names().empty());
  EXPECT_EQ(file_of("me/it-GGUF:Q8_0"), "");
  EXPECT_EQ(hub_.failure("me/it-GGUF:Q8_0"), "");
  EXPECT_EQ(names().size(), 1u);
}

TEST_F(Models, AnIndexThatPointsOutsideRemovesNothingThere) {
  fs::path outside = hub_.scratch.write("outside.gguf", "precious");
  std::string rest =
      R"(, "quantisation": "", "files": ["outside.gguf"], "bytes": 8, "digest": "", "pulled_at": 1, "path": ")" +
      outside.string() + "\"}";
  fs::create_directories(hub_.settings.home / "files");
  for (const char* origin :
       {R"("repository": "", "commit": "", "url": "https://example.org/outside.gguf")",
        R"("repository": "me/it-GGUF", "commit": "0123456789abcdef0123456789abcdef01234567", "url": "")"}) {
    hub_.scratch.write("own/index.json",
                       R"({"version": 1, "models": [{"name": "x", )" + std::string(origin) + rest + "]}");
    refusal([](const Store& s) { s.remove("x"); });
    EXPECT_EQ(hub_.scratch.read("outside.gguf"), "precious");
  }
}

TEST_F(Models, WhatEndedEarlyCanBeRemovedUnlessItGoesOn) {
  std::string bytes = some_bytes(80);
  fs::create_directories(hub_.part(bytes).parent_path());
  std::ofstream(hub_.part(bytes)) << "0123456789";
  fs::create_symlink(hub_.scratch.write("outside", "precious"), hub_.part("other"));
  EXPECT_EQ(hub_.store().unfinished_bytes(), 10u);
  {
    FileLock held(hub_.settings.cache / ".locks/models--me--it-GGUF" / (sha256_of(bytes) + ".lock"), {});
    EXPECT_EQ(hub_.store().remove_unfinished(), 0u);
    EXPECT_TRUE(fs::exists(hub_.part(bytes)));
  }
  EXPECT_EQ(hub_.store().remove_unfinished(), 10u);
  EXPECT_FALSE(fs::exists(hub_.part(bytes)));
  EXPECT_EQ(hub_.scratch.read("outside"), "precious");
}

TEST_F(Models, WhoRemovesWhatEndedEarlyWaitsForNoPullThatBeginsMeanwhile) {
  constexpr int kParts = 2000;
  fs::path blobs = hub_.repository() / "blobs", locks = hub_.settings.cache / ".locks/models--me--it-GGUF";
  fs::create_directories(blobs);
  auto digest = [](int part) { return fmt::format("{:064}", part); };
  for (int part = 0; part < kParts; ++part) std::ofstream(blobs / (digest(part) + ".incomplete")) << "x";
  std::stop_source done;
  std::jthread pull([&] {  // begins when the first part is gone already
    while (fs::exists(blobs / (digest(0) + ".incomplete"))) std::this_thread::yield();
    FileLock held(locks / (digest(kParts - 1) + ".lock"), {});
    while (!done.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  });
  auto removal = std::async(std::launch::async, [&] { return hub_.store().remove_unfinished(); });
  EXPECT_EQ(removal.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  done.request_stop();
  EXPECT_GE(removal.get(), uint64_t{kParts - 1});
}

TEST_F(Models, WhatLiesInThatFolderAndIsNotOursIsNotUnfinished) {
  fs::path files = hub_.settings.home / "files";
  fs::create_directories(files / "notes");
  std::ofstream(files / "notes/mine.txt") << "precious";
  fs::create_directory(hub_.scratch / "elsewhere");
  std::ofstream(hub_.scratch / "elsewhere/other.gguf") << "precious";
  fs::create_directory_symlink(hub_.scratch / "elsewhere", files / std::string(32, 'a'));
  EXPECT_EQ(hub_.store().remove_unfinished(), 0u);
  EXPECT_EQ(hub_.scratch.read("elsewhere/other.gguf"), "precious");
  EXPECT_EQ(hub_.scratch.read("own/files/notes/mine.txt"), "precious");
}

TEST_F(Models, WhatARemovalLeftBehindIsFoundAsUnfinished) {
  hub_.store().pull("me/it-GGUF:Q8_0", {}, {});
  auto model = hub_.store().find("me/it-GGUF:Q8_0");
  HubCache cache(hub_.settings.cache);
  cache.remove(cache.snapshots("me/it-GGUF").at(0), model->files);  // and is killed
  EXPECT_TRUE(names().empty());
  EXPECT_EQ(hub_.store().unfinished_bytes(), 89u);
  EXPECT_EQ(hub_.store().remove_unfinished(), 89u);
}

TEST_F(Models, TheVeryQuantisationComesBeforeItsVariant) {
  put_into_cache({"x-Q4_K_XL.gguf", "x-UD-Q4_K_XL.gguf", "x-UD-Q8_0.gguf"});
  EXPECT_EQ(file_of("me/x:Q4_K_XL"), "x-Q4_K_XL.gguf");
  EXPECT_EQ(file_of("me/x:ud-q4_k_xl"), "x-UD-Q4_K_XL.gguf");
  EXPECT_EQ(file_of("me/x:Q8_0"), "x-UD-Q8_0.gguf");
  EXPECT_EQ(file_of("me/x"), "x-UD-Q4_K_XL.gguf");
  hub_.store().copy("me/x:Q4_K_XL", "plain");
  EXPECT_EQ(file_of("plain"), "x-Q4_K_XL.gguf");
  hub_.store().remove("plain");
  EXPECT_THAT(names(), ElementsAre("me/x:UD-Q4_K_XL", "me/x:UD-Q8_0"));
}

TEST_F(Models, OfTwoVariantsTheVeryOneIsRemoved) {
  put_into_cache({"x-Q4_K_XL.gguf", "x-UD-Q4_K_XL.gguf"});
  EXPECT_EQ(hub_.store().remove("me/x:Q4_K_XL").freed_bytes, 14u);
  EXPECT_THAT(names(), ElementsAre("me/x:UD-Q4_K_XL"));
}

TEST_F(Models, OneDamagedRepositoryHidesNoOther) {
  hub_.store().pull("me/it-GGUF:Q8_0", {}, {});
  hub_.store().pull("Qwen/Qwen3-8B-GGUF:Q8_0", {}, {});
  fs::remove(hub_.settings.home / "index.json");
  std::ofstream(hub_.repository() / "refs/main") << std::string(5000, 'x');
  EXPECT_EQ(names().size(), 2u);
}

TEST_F(Models, AFileOfOnesOwnMayHaveAName) {
  fs::path file = hub_.scratch.write("mine-Q4_0.gguf", "abc");
  hub_.store().add(file, "mine");
  auto model = hub_.store().find("mine");
  ASSERT_TRUE(model);
  EXPECT_EQ(model->path, fs::canonical(file));
  EXPECT_EQ(model->quantisation, "Q4_0");
  EXPECT_THAT(refusal([](const Store& s) { s.pull("mine", {}, {}); }), HasSubstr("nothing to pull"));
  EXPECT_EQ(hub_.store().remove("mine").freed_bytes, 0u);
  EXPECT_TRUE(fs::exists(file));
}

}  // namespace
}  // namespace troika::store
