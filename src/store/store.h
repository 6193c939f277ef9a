// The models of this machine by name: which are here, and bringing, naming and removing them. Knows no
// command line and no server; both use it. Every call reads the disk, takes what locks it needs and may come
// from any thread or process at any time.
//
//     store::Store store(store::settings_from_environment(zoo_file));
//     if (auto model = store.find("qwen2.5:7b")) load(model->path);
//     store.pull("qwen2.5:7b", {.progress = show}, stop);
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "store/download.h"
#include "store/hub_cache.h"
#include "store/index.h"
#include "store/name.h"
#include "store/progress.h"
#include "store/settings.h"
#include "store/zoo.h"

namespace troika::store {

inline constexpr size_t kFolderDigits = 32;  // of the checksum that names the folder of a file from an address

// A model that is here.
struct Model {
  std::string name;                // "qwen2.5:7b", "Qwen/Qwen3-8B-GGUF:Q4_K_M", …
  std::string repository, commit;  // on the hub, "" elsewhere
  std::string quantisation;        // "Q4_K_M"; "" when the file's name says none
  std::filesystem::path path;      // what files::ModelFile::open takes: a .gguf file or a folder
  std::vector<std::string> files;  // in the folder of the path, or in the path where that is a folder
  uint64_t bytes = 0;              // of all files
  std::string digest;              // of the first file, hexadecimal; "" when unknown
  int64_t modified = 0;            // seconds since 1970: when it was pulled or written
  bool named = false;              // has an entry of the index, not only files in the cache
};

// What a pull is about to do.
struct PullPlan {
  struct File {
    std::string name;
    uint64_t bytes = 0;
  };
  std::string name;    // that the model will have
  std::string source;  // repository or URL
  std::string quantisation;
  std::string note;  // a sentence when something else was taken than one might expect, "" otherwise
  std::vector<File> files;
  uint64_t bytes = 0;          // of all files
  uint64_t missing_bytes = 0;  // of these, to be downloaded
};

struct PullEvents {
  std::function<void(const PullPlan&)> planned = [](const PullPlan&) {};
  ProgressSink progress = [](const Progress&) {};
};

struct Removed {
  uint64_t freed_bytes = 0;
  std::string kept_for;  // another name of the same model, for which its files stay; "" when there is none
};

class Store {
 public:
  explicit Store(Settings settings);

  // The model of a name, if it is here whole; never asks the network. A name without a quantisation means the
  // usual one, or what is here nearest to it. Throws Error when the text cannot be a name (see parse_name).
  std::optional<Model> find(std::string_view name) const;

  std::vector<Model> list() const;  // by name

  // Whether a text is in the form of a name, so that find() does not throw for it. Never throws.
  bool is_name(std::string_view text) const noexcept;

  // Whether pull() knows where to look: a name of the zoo, a repository or a URL. Never throws.
  bool can_pull(std::string_view name) const noexcept;

  // Brings a model, or what is missing of it, and returns it. Blocks. Throws Error with one sentence; Stopped
  // when a stop is requested, and then what has come is kept for the next pull.
  Model pull(std::string_view name, const PullEvents& events, const std::stop_token& stop) const;

  // Forgets a name; its files go when no other name and no other snapshot needs them. Throws Error for an
  // unknown name, and before anything is removed when that would touch something outside the store.
  Removed remove(std::string_view name) const;

  // Of downloads that ended early, and files that no name needs: a pull or a removal ended before its last
  // step.
  uint64_t unfinished_bytes() const;
  uint64_t remove_unfinished() const;  // but for those that go on; returns the bytes freed

  // Another name for a model that is here. Throws Error when the name is taken by the zoo or is none.
  void copy(std::string_view from, std::string_view to) const;
  void add(const std::filesystem::path& model,
           std::string_view name) const;  // a file or folder that is not ours

  std::vector<std::string> names_near(std::string_view name) const;  // here or in the zoo; for error messages

  const Zoo& zoo() const { return zoo_; }

 private:
  // What a name means: its parts and, of a name of the zoo, the zoo's row.
  struct Meaning {
    Name name;
    ZooMatch zoo;
    std::string canonical() const;
  };
  static Model from_entry(const IndexEntry& entry);
  Meaning meaning_of(std::string_view name) const;
  std::optional<Model> find_named(const Meaning& meaning) const;
  std::vector<Model> cached(const Name& name) const;
  Model pull_from_hub(const Meaning& meaning, const PullEvents& events, const std::stop_token& stop) const;
  Model pull_url(const Name& name, const PullEvents& events, const std::stop_token& stop) const;
  std::vector<Destination> unfinished() const;
  Removal take_away(const Model& model) const;
  std::optional<Destination> own_place(const std::filesystem::path& file) const;
  uint64_t delete_parts(const std::vector<Destination>& parts) const;
  void check_new_name(std::string_view name) const;
  [[noreturn]] void fail_unknown(std::string_view name) const;

  Settings settings_;
  Zoo zoo_;
  Index index_;
};

}  // namespace troika::store
