// The Hugging Face hub's cache on disk, as huggingface_hub and llama.cpp keep it too:
//
//     models--OWNER--REPO/blobs/DIGEST              contents, by checksum
//     models--OWNER--REPO/refs/main                 which commit a branch was at
//     models--OWNER--REPO/snapshots/COMMIT/FILE     -> ../../blobs/DIGEST
//     .locks/models--OWNER--REPO/DIGEST.lock
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "store/download.h"

namespace troika::store {

// A repository at a commit, as far as it is here.
struct Snapshot {
  std::string repository;  // "Qwen/Qwen3-8B-GGUF"
  std::string commit;
  std::filesystem::path folder;
  std::vector<std::string> files;  // names inside it, sorted; those whose contents are here
};

// To delete a large file takes long, and others wait for who removes a model. So its files become unfinished
// downloads, at once; to delete these is left to the caller, and to `rm --unfinished` when he dies before.
struct Removal {
  std::vector<Destination> parts;
  uint64_t freed_bytes = 0;  // of what could not become one, and is gone already
};

// Reads the disk at every call; any thread.
class HubCache {
 public:
  explicit HubCache(std::filesystem::path root) : root_(std::move(root)) {}

  Destination place(const std::string& repository, const std::string& digest) const;

  // Puts a downloaded file into a snapshot, and the snapshot under the name of a revision.
  void link(const std::string& repository, const std::string& commit, const std::string& file,
            const std::string& digest) const;
  void set_revision(const std::string& repository, const std::string& revision,
                    const std::string& commit) const;

  std::vector<std::string> repositories() const;

  // Of a repository in whatever spelling of upper and lower case: that of the revision first, then the
  // newest.
  std::vector<Snapshot> snapshots(const std::string& repository, const std::string& revision = "main") const;

  // Where downloads ended early: place().part of files that are not here.
  std::vector<Destination> unfinished() const;

  // Removes files of a snapshot, and the blobs that no other snapshot shows. Throws Error before anything is
  // removed when a link leads out of the repository's blobs.
  Removal remove(const Snapshot& snapshot, std::span<const std::string> files) const;

  // Removes branches whose commit is gone, and the repository's folder when nothing is left in it.
  void tidy(const std::string& repository) const;

 private:
  std::filesystem::path folder_of(const std::string& repository) const;
  std::optional<Destination> become_part(const std::string& repository,
                                         const std::filesystem::path& blob) const;

  std::filesystem::path root_;
};

}  // namespace troika::store
