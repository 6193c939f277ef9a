#include "store/download.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <vector>

#include "base/error.h"
#include "store/durable_file.h"
#include "store/file_lock.h"
#include "store/http.h"
#include "store/hub.h"
#include "store/patience.h"
#include "store/stopped.h"

namespace troika::store {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr auto kTellEvery = std::chrono::milliseconds(100);
constexpr size_t kReadBytes = 1 << 20;
constexpr uint64_t kWriteBackBytes = 32 << 20;

// The bytes that have come, on disk and in the checksum at once.
class Part {
 public:
  Part(const FileSource& source, const fs::path& path)
      : source_(source), path_(path), digest_(source.digest_kind(), source.bytes) {
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd_ < 0) fail("cannot write {}: {}", path.string(), std::strerror(errno));
    struct stat about {};
    if (::fstat(fd_, &about) != 0 || !S_ISREG(about.st_mode)) {
      ::close(fd_);
      fail("{} is not a regular file; move it away", path.string());
    }
    found_ = uint64_t(about.st_size);
  }
  ~Part() { ::close(fd_); }
  Part(const Part&) = delete;

  uint64_t bytes() const { return bytes_; }
  uint64_t left_before() const { return found_; }  // by an earlier download

  // Takes into the checksum what an earlier download left.
  void read_existing(const std::function<void()>& tell, const std::stop_token& stop) {
    std::vector<char> buffer(kReadBytes);
    while (bytes_ < found_) {
      if (stop.stop_requested()) throw Stopped("stopped");
      ssize_t got = ::pread(fd_, buffer.data(), buffer.size(), off_t(bytes_));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0)
        fail("cannot read {}: {}", path_.string(), got < 0 ? std::strerror(errno) : "it became shorter");
      digest_.add({buffer.data(), size_t(got)});
      bytes_ += uint64_t(got);
      tell();
    }
    begun_ = bytes_;
  }

  void add(std::span<const char> bytes) {
    if (bytes.size() > source_.bytes - bytes_) {
      start_over();
      fail("{} is longer than the {} bytes that were announced; nothing of it is kept", source_.name,
           source_.bytes);
    }
    digest_.add(bytes);
    while (!bytes.empty()) {
      ssize_t put = ::pwrite(fd_, bytes.data(), bytes.size(), off_t(bytes_));
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) {
        bool full = put == 0 || errno == ENOSPC || errno == EDQUOT;
        fail("cannot write {}: {}", path_.string(),
             full ? fmt::format(
                        "the disk is full after {} of {}; make room and pull again, what has come is kept",
                        size_text(bytes_), size_text(source_.bytes))
                  : std::strerror(errno));
      }
      bytes_ += uint64_t(put);
      bytes = bytes.subspan(size_t(put));
    }
    write_back();
  }

  void start_over() {
    if (::ftruncate(fd_, 0) != 0) fail("cannot write {}: {}", path_.string(), std::strerror(errno));
    digest_ = Digest(source_.digest_kind(), source_.bytes);
    bytes_ = found_ = begun_ = 0;
  }

  void discard() { ::unlink(path_.c_str()); }

  // Makes a file of it; returns its digest.
  std::string finish(const fs::path& file) {
    std::string digest = digest_.hex();
    if (!source_.digest.empty() && digest != source_.digest) {
      discard();
      fail("{} came with the wrong checksum ({}, expected {}) and was deleted; pull again", source_.name,
           digest, source_.digest);
    }
    if (::fsync(fd_) != 0) fail("cannot write {}: {}", path_.string(), std::strerror(errno));
    rename_durably(path_, file);
    return digest;
  }

 private:
  // Has the system begin to write what came last, and waits for what came before that. No stop can end an
  // fsync: with all of a large file in memory, the one in finish() would take minutes on a slow disk.
  void write_back() {
    constexpr unsigned kBegin = SYNC_FILE_RANGE_WRITE;
    constexpr unsigned kWait = SYNC_FILE_RANGE_WAIT_BEFORE | kBegin | SYNC_FILE_RANGE_WAIT_AFTER;
    while (bytes_ - begun_ >= kWriteBackBytes) {
      sync_range(begun_, kBegin);
      if (begun_ >= kWriteBackBytes) sync_range(begun_ - kWriteBackBytes, kWait);
      begun_ += kWriteBackBytes;
    }
  }

  // Some file systems cannot do it; that bytes were lost is said here or by fsync, and only once.
  void sync_range(uint64_t begin, unsigned how) {
    bool lost = ::sync_file_range(fd_, off_t(begin), off_t(kWriteBackBytes), how) != 0 &&
                (errno == EIO || errno == ENOSPC || errno == EDQUOT);
    if (lost) fail("cannot write {}: {}", path_.string(), std::strerror(errno));
  }

  const FileSource& source_;
  fs::path path_;
  Digest digest_;
  int fd_ = -1;
  uint64_t bytes_ = 0, found_ = 0;
  uint64_t begun_ = 0;  // until here the system was told to write
};

// "bytes 100-199/200": where it begins and how long the whole file is.
struct ContentRange {
  uint64_t begin = 0, total = 0;
};

std::optional<ContentRange> read_content_range(const std::string& text) {
  unsigned long long begin = 0, end = 0, total = 0;
  if (std::sscanf(text.c_str(), "bytes %llu-%llu/%llu", &begin, &end, &total) != 3) return std::nullopt;
  return ContentRange{begin, total};
}

class Download {
 public:
  Download(const FileSource& source, const Settings& settings, const ProgressSink& progress,
           const std::stop_token& stop, Part& part)
      : source_(source), settings_(settings), progress_(progress), stop_(stop), part_(part) {}

  void run() {
    take_what_is_here();
    tell(Stage::downloading, Hurry::now);
    Patience patience(settings_, stop_);
    while (part_.bytes() < source_.bytes) {
      uint64_t before = part_.bytes();
      HttpAnswer answer = ask();
      if (part_.bytes() == source_.bytes) break;
      if (part_.bytes() > before) patience.progressed();
      if (answer.status == 416 && answer.transport == Transport::ok && before > 0) {
        part_.start_over();
        continue;
      }
      // A network that was there a moment ago may come back.
      bool lost = answer.transport == Transport::unreachable && resumed_;
      bool short_of_bytes = answer.transport == Transport::ok && answer.status / 100 == 2;
      if (!may_pass(answer) && !lost && !short_of_bytes)
        throw Error(explain(answer, source_.name, source_.repository, settings_));
      resumed_ = resumed_ || part_.bytes() > before;
      patience.wait(short_of_bytes ? fmt::format("{} ended the answer for {} after {} of {} bytes.",
                                                 answer.host, source_.name, part_.bytes(), source_.bytes)
                                   : explain(answer, source_.name, source_.repository, settings_),
                    answer.retry_after());
    }
  }

  enum class Hurry { now, sometimes };
  void tell(Stage stage, Hurry hurry) {
    if (hurry == Hurry::sometimes && Clock::now() - told_ < kTellEvery) return;
    told_ = Clock::now();
    progress_({stage, source_.name, source_.digest, source_.bytes, part_.bytes()});
  }

 private:
  void take_what_is_here() {
    if (part_.left_before() == 0) return;
    if (part_.left_before() > source_.bytes || !source_.resumable()) return part_.start_over();
    part_.read_existing([this] { tell(Stage::checking, Hurry::sometimes); }, stop_);
  }

  HttpAnswer ask() {
    HttpRequest wanted{.url = source_.url};
    if (part_.bytes() > 0) wanted.range = fmt::format("{}-", part_.bytes());
    if (part_.bytes() > 0 && source_.digest.empty()) wanted.if_range = fmt::format("\"{}\"", source_.etag);
    return request(
        with_token(wanted, settings_), [this](const HttpAnswer& answer) { return accept(answer); },
        [this](std::span<const char> bytes) {
          part_.add(bytes);
          tell(Stage::downloading, Hurry::sometimes);
        },
        stop_);
  }

  // Whether what follows continues the part.
  bool accept(const HttpAnswer& answer) {
    check_version(answer);
    if (answer.status == 200) {
      if (part_.bytes() > 0) part_.start_over();  // the whole file comes, from its beginning
      if (auto length = answer.number("content-length"); length && *length != source_.bytes) changed();
    } else if (answer.status == 206) {
      auto range = read_content_range(answer.header("content-range"));
      if (!range || range->begin != part_.bytes())
        fail("{} sends another part of {} than was asked for", answer.host, source_.name);
      if (range->total != source_.bytes) changed();
    }
    return true;
  }

  // What the hub says before it sends us on to where the bytes are.
  void check_version(const HttpAnswer& answer) {
    std::string digest = digest_in(answer.header("x-linked-etag"));
    if (digest.size() == source_.digest.size() && digest != source_.digest) changed();
    auto bytes = answer.number("x-linked-size");
    if (bytes && *bytes != source_.bytes) changed();
    std::string commit = answer.header("x-repo-commit");
    if (!commit.empty() && !source_.commit.empty() && commit != source_.commit) changed();
    bool by_etag = source_.digest.empty() && !source_.etag.empty() && answer.status / 100 == 2;
    if (std::string etag = strong_etag(answer.header("etag"));
        by_etag && !etag.empty() && etag != source_.etag)
      changed();
  }

  [[noreturn]] void changed() const {
    fail("{} is another version now than when the pull began; pull again (nothing of two versions is mixed)",
         source_.name);
  }

  const FileSource& source_;
  const Settings& settings_;
  const ProgressSink& progress_;
  const std::stop_token& stop_;
  Part& part_;
  bool resumed_ = false;  // bytes came in this download
  Clock::time_point told_;
};

bool is_whole(const FileSource& source, const fs::path& file) {
  std::error_code error;
  return fs::is_regular_file(file, error) && fs::file_size(file, error) == source.bytes && !error;
}

}  // namespace

std::string size_text(uint64_t bytes) {
  if (bytes >= 100'000'000) return fmt::format("{:.2f} GB", double(bytes) / 1e9);
  if (bytes >= 100'000) return fmt::format("{:.1f} MB", double(bytes) / 1e6);
  return fmt::format("{} bytes", bytes);
}

void check_room(const fs::path& folder, uint64_t bytes, const Settings& settings) {
  uint64_t room = settings.free_bytes(folder);
  if (bytes > room) {
    fail(
        "{} has {} of room, and {} are still to come: make room, or keep models elsewhere (HF_HUB_CACHE, "
        "TROIKA_HOME)",
        folder.string(), size_text(room), size_text(bytes));
  }
}

uint64_t bytes_here(const FileSource& source, const Destination& destination) {
  if (is_whole(source, destination.file)) return source.bytes;
  std::error_code error;
  uint64_t part = fs::file_size(destination.part, error);
  return error || part > source.bytes || !source.resumable() ? 0 : part;
}

std::string download(const FileSource& source, const Destination& destination, const Settings& settings,
                     const ProgressSink& progress, const std::stop_token& stop,
                     const std::function<void(const std::string&)>& placed) {
  auto done = [&](const std::string& digest) {
    progress({Stage::done, source.name, digest, source.bytes, source.bytes});
    placed(digest);
    return digest;
  };
  if (is_whole(source, destination.file) && !source.digest.empty()) return done(source.digest);
  check_online(settings, source.name);
  FileLock lock(destination.lock, stop, [&] {
    progress({Stage::waiting, source.name, source.digest, source.bytes, 0});
  });
  if (is_whole(source, destination.file) && !source.digest.empty()) return done(source.digest);

  make_folders(destination.part.parent_path());
  // A pull ended before what it brought was named: the checksum is not known, but the file need not come
  // again.
  bool only_read = is_whole(source, destination.file) && source.resumable();
  Part part(source, only_read ? destination.file : destination.part);
  check_room(destination.part.parent_path(), source.bytes - std::min(source.bytes, part.left_before()),
             settings);
  Download transfer(source, settings, progress, stop, part);
  try {
    transfer.run();
  } catch (const Stopped&) {
    throw Stopped(fmt::format("stopped: {} of {} of {} are here; {}", size_text(part.bytes()),
                              size_text(source.bytes), source.name,
                              source.resumable() ? "pull again to go on" : "another pull begins anew"));
  }
  return done(part.finish(destination.file));
}

}  // namespace troika::store
