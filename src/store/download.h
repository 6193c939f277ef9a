// One file from the network to the disk: into a part beside its place, resumed where an earlier download
// ended, checked and only then renamed. Two versions are never mixed: the part's name holds the version, and
// what comes must say that it is that one.
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "store/file_source.h"
#include "store/progress.h"
#include "store/settings.h"

namespace troika::store {

struct Destination {
  std::filesystem::path file;  // where it ends
  std::filesystem::path part;  // beside it, of this version; kept when the download ends early
  std::filesystem::path lock;  // held meanwhile, so that two downloads of the same file become one
};

// Returns the digest, also when `file` was here already. Throws Error with one sentence, Stopped when a stop
// is requested: what has come stays in the part. `placed` is called with the digest when the file is in its
// place, before who waits for the lock can see that nothing names it. Any thread, any process.
std::string download(
    const FileSource& source, const Destination& destination, const Settings& settings,
    const ProgressSink& progress, const std::stop_token& stop,
    const std::function<void(const std::string&)>& placed = [](const std::string&) {});

// Bytes of it that are here already: the whole file's or its part's.
uint64_t bytes_here(const FileSource& source, const Destination& destination);

// Throws Error with both numbers when a folder's disk has less room than `bytes`.
void check_room(const std::filesystem::path& folder, uint64_t bytes, const Settings& settings);

std::string size_text(uint64_t bytes);  // "4.68 GB", "19.4 MB", "512 bytes"

}  // namespace troika::store
