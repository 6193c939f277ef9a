// The store's own names: what was pulled under which name, and further names (`troika cp`). One JSON file,
// written whole and under a lock; any number of threads and processes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace troika::store {

struct IndexEntry {
  std::string name;                // in lower case, or "Owner/Repo:QUANT"
  std::string repository, commit;  // on the hub, "" elsewhere
  std::string quantisation;        // "" when the file's name says none
  std::string url;                 // of a file that comes from no hub
  std::filesystem::path path;      // a .gguf file (of a split one the first) or a folder
  std::vector<std::string>
      files;           // names in the snapshot, or in the folder of `path`; none: not the store's to remove
  uint64_t bytes = 0;  // of all files
  std::string digest;  // of the first file, hexadecimal
  int64_t pulled_at = 0;  // seconds since 1970
};

class Index {
 public:
  explicit Index(std::filesystem::path home) : home_(std::move(home)) {}

  std::vector<IndexEntry> read() const;  // none when there is no file. Throws Error when it is damaged
  // Reads, lets `change` work on the entries and writes them back; nothing is written when it throws. Others
  // wait meanwhile. Throws Stopped when a stop is requested while it waits itself.
  void change(const std::function<void(std::vector<IndexEntry>&)>& change,
              const std::stop_token& stop = {}) const;

 private:
  std::filesystem::path file() const { return home_ / "index.json"; }

  std::filesystem::path home_;
};

// The entry of this name, in whatever case; null when there is none.
IndexEntry* find_entry(std::vector<IndexEntry>& entries, std::string_view name);
// The entry that has this file from an address; null when there is none. Its path may spell the home folder
// otherwise, through a link: the file is known by its name and that of its folder, a checksum.
const IndexEntry* find_file(const std::vector<IndexEntry>& entries, const std::filesystem::path& file);
void put_entry(std::vector<IndexEntry>& entries, IndexEntry entry);  // in place of one of the same name

}  // namespace troika::store
