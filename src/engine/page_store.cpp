#include "engine/page_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/error.h"
#include "base/log.h"

namespace troika::engine {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kMagic = 0x31474b54;  // "TKG1"
constexpr uint64_t kLeastSegment = uint64_t{16} << 20;
constexpr int kSegments = 16;  // that share the limit: one goes at a time

struct Header {
  uint32_t magic = kMagic, groups = 0;
  vision::Hash text;
  uint32_t keys = 0, reserved = 0;
  vision::Hash content;  // of keys and pages
  vision::Hash own;      // of what stands before
};

std::span<const std::byte> signed_part(const Header& header) {
  return std::as_bytes(std::span(&header, 1)).first(offsetof(Header, own));
}

vision::Hash content_of(std::span<const int64_t> keys, std::span<const std::byte> pages, const vision::HashKey& secret) {
  const vision::Hash seed = vision::hash_bytes(std::as_bytes(keys), secret);
  return vision::hash_bytes(pages, {seed.low, seed.high});
}

bool read_all(int fd, std::span<std::byte> out, uint64_t offset) {
  while (!out.empty()) {
    const ssize_t got = pread(fd, out.data(), out.size(), off_t(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    out = out.subspan(size_t(got));
    offset += uint64_t(got);
  }
  return true;
}

bool write_all(int fd, std::span<const std::byte> in, uint64_t offset) {
  while (!in.empty()) {
    const ssize_t put = pwrite(fd, in.data(), in.size(), off_t(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    in = in.subspan(size_t(put));
    offset += uint64_t(put);
  }
  return true;
}

// The number of a segment's file; nothing for a file that is none of ours.
std::optional<uint32_t> segment_number(const fs::path& path) {
  const std::string name = path.filename();
  uint32_t number = 0;
  const auto [end, wrong] = std::from_chars(name.data(), name.data() + name.size(), number);
  return wrong == std::errc() && std::string_view(end) == ".pages" ? std::optional(number) : std::nullopt;
}

// A folder that open() made: the user may have others beside it.
bool is_models(const fs::path& folder) {
  const std::string name = folder.filename();
  return name.size() == 32 && name.find_first_not_of("0123456789abcdef") == name.npos && fs::exists(folder / "secret");
}

// The right to a model's folder, which other engines respect.
class Lock {
 public:
  explicit Lock(const fs::path& folder) {
    fd_ = ::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    is_held_ = fd_ >= 0 && flock(fd_, LOCK_EX | LOCK_NB) == 0;
  }
  ~Lock() {
    if (fd_ >= 0) close(fd_);
  }
  Lock(Lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)), is_held_(other.is_held_) {}
  bool is_file() const { return fd_ >= 0; }  // else errno says why not
  bool is_held() const { return is_held_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
  bool is_held_ = false;
};

struct Others {
  uint64_t bytes = 0;
  int in_use = 0;                     // models
  uint64_t least = ~uint64_t{0};      // bytes of one in use
};

// What other models have here. Those that nobody uses are left half of the room, as far as those in use leave it; the
// newest files stay.
Others shrink_others(const fs::path& folder, const fs::path& own, uint64_t limit) {
  struct File {
    fs::file_time_type time;
    uint64_t bytes;
    fs::path path;
  };
  std::vector<File> files;
  std::vector<Lock> locks;
  Others others;
  uint64_t unused = 0;
  std::error_code error;
  for (const auto& other : fs::directory_iterator(folder, error)) {
    if (other.path() == own || other.is_symlink(error) || !is_models(other.path())) continue;
    locks.emplace_back(other.path());
    const bool is_used = !locks.back().is_held();
    uint64_t bytes = 0;
    for (const auto& entry : fs::directory_iterator(other.path(), error)) {
      if (!segment_number(entry.path()) || entry.is_symlink(error)) continue;
      bytes += entry.file_size(error);
      if (!is_used) files.push_back({entry.last_write_time(error), entry.file_size(error), entry.path()});
    }
    others.bytes += bytes;
    if (!is_used) {
      unused += bytes;
      continue;
    }
    ++others.in_use;
    others.least = std::min(others.least, bytes);
  }
  const uint64_t used = others.bytes - unused, most = limit / 2 - std::min(used, limit / 2);
  std::ranges::sort(files, {}, &File::time);
  for (const File& file : files) {
    if (unused <= most) break;
    if (!fs::remove(file.path, error)) continue;
    unused -= file.bytes;
    others.bytes -= file.bytes;
  }
  return others;
}

}  // namespace

std::unique_ptr<PageStore> PageStore::open(const fs::path& folder, uint64_t limit, const vision::Hash& model,
                                           std::vector<size_t> page_bytes) {
  const fs::path own = folder / fmt::format("{:016x}{:016x}", model.high, model.low);
  std::error_code error;
  fs::create_directories(own, error);
  if (error) fail("the folder {} for the cache on disk cannot be made: {}", own.string(), error.message());
  struct stat facts {};
  if (lstat(own.c_str(), &facts) != 0) fail("{} cannot be looked at: {}", own.string(), std::strerror(errno));
  if (facts.st_uid != geteuid() || !S_ISDIR(facts.st_mode))
    fail("the folder {} for the cache on disk is another user's; choose another one with --spill-folder", own.string());
  fs::permissions(own, fs::perms::owner_all, error);
  auto store = std::unique_ptr<PageStore>(new PageStore(own, limit, std::move(page_bytes)));
  if (!store->lock()) return nullptr;
  store->read_secret();
  store->read_segments();
  store->share_room();
  store->make_room(0);
  return store;
}

PageStore::PageStore(fs::path folder, uint64_t limit, std::vector<size_t> page_bytes)
    : folder_(std::move(folder)), limit_(limit), page_bytes_(std::move(page_bytes)) {}

PageStore::~PageStore() {
  for (const Segment& segment : segments_) close(segment.fd);
  if (lock_ >= 0) close(lock_);
}

bool PageStore::lock() {
  constexpr int kTries = 20;
  for (int i = 0; i < kTries; ++i) {  // who only looks (shrink_others) holds it for a moment
    if (i > 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    Lock lock(folder_);
    if (!lock.is_file()) fail("{} cannot be written: {}", (folder_ / "lock").string(), std::strerror(errno));
    if (!lock.is_held()) continue;
    lock_ = lock.release();
    return true;
  }
  return false;
}

// All that others leave; but where another model in use has less than its equal share, no more than ours, so that it can
// grow.
void PageStore::share_room() {
  const Others others = shrink_others(folder_.parent_path(), folder_, limit_);
  const uint64_t share = limit_ / uint64_t(others.in_use + 1);
  room_ = limit_ - std::min(limit_, others.bytes);
  if (others.in_use > 0 && others.least < share) room_ = std::min(room_, share);
  room_ = std::max(room_, limit_ / kSegments);
}

// Made once, and again when it is damaged: nothing that was hashed with another is found then.
void PageStore::read_secret() {
  const fs::path path = folder_ / "secret";
  const auto bytes = std::as_writable_bytes(std::span(secret_));
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) fail("{} cannot be written: {}", path.string(), std::strerror(errno));
  struct stat facts {};
  if (fstat(fd, &facts) != 0 || facts.st_size != off_t(bytes.size()) || !read_all(fd, bytes, 0)) {
    secret_ = vision::random_key();
    if (ftruncate(fd, 0) != 0 || !write_all(fd, bytes, 0)) log::warn("{} cannot be written", path.string());
  }
  close(fd);
}

void PageStore::read_segments() {
  std::vector<uint32_t> numbers;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    const auto number = segment_number(entry.path());
    if (number && !entry.is_symlink()) numbers.push_back(*number);
  }
  std::ranges::sort(numbers);
  for (const uint32_t number : numbers) {
    const fs::path path = folder_ / fmt::format("{}.pages", number);
    Segment segment{.number = number, .fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW)};
    if (segment.fd < 0) fail("{} cannot be read: {}", path.string(), std::strerror(errno));
    const uint64_t whole = index(segment);
    // We go on in the newest: each start would leave one more file otherwise.
    writing_ = number == numbers.back() && ftruncate(segment.fd, off_t(whole)) == 0;
    struct stat facts {};
    if (fstat(segment.fd, &facts) == 0) segment.bytes = uint64_t(facts.st_size);
    bytes_ += segment.bytes;
    segments_.push_back(segment);
  }
}

// Up to the first record that is not whole, whose place is returned: so ends what a process wrote that was killed.
uint64_t PageStore::index(const Segment& segment) {
  struct stat facts {};
  if (fstat(segment.fd, &facts) != 0) return 0;
  Header header;
  uint64_t at = 0;
  while (read_all(segment.fd, std::as_writable_bytes(std::span(&header, 1)), at)) {
    if (header.magic != kMagic || header.own != vision::hash_bytes(signed_part(header), secret_)) break;
    if (header.groups >> page_bytes_.size() != 0) break;
    const uint64_t end = at + sizeof(Header) + header.keys * sizeof(int64_t) + bytes_of(header.groups);
    if (end > uint64_t(facts.st_size)) break;
    index_[header.text] = {.segment = segment.number, .offset = at, .groups = header.groups};
    at = end;
  }
  return at;
}

size_t PageStore::bytes_of(uint32_t groups) const {
  size_t bytes = 0;
  for (size_t g = 0; g < page_bytes_.size(); ++g) bytes += groups >> g & 1 ? page_bytes_[g] : 0;
  return bytes;
}

PageStore::Segment* PageStore::segment(uint32_t number) {
  const auto found = std::ranges::find(segments_, number, &Segment::number);
  return found == segments_.end() ? nullptr : &*found;
}

const PageStore::Record* PageStore::find(const vision::Hash& text) const {
  const auto found = index_.find(text);
  return found == index_.end() ? nullptr : &found->second;
}

bool PageStore::read(const vision::Hash& text, std::span<const int64_t> keys, uint32_t groups, std::span<std::byte> out) {
  const auto found = index_.find(text);
  if (found == index_.end()) return false;
  const Record record = found->second;
  const Segment* from = segment(record.segment);
  Header header;
  std::vector<int64_t> stored(keys.size());
  std::vector<std::byte> pages(bytes_of(record.groups));
  const uint64_t keys_at = record.offset + sizeof(Header), pages_at = keys_at + keys.size_bytes();
  const bool is_whole = from && read_all(from->fd, std::as_writable_bytes(std::span(&header, 1)), record.offset) &&
                        header.own == vision::hash_bytes(signed_part(header), secret_) && header.text == text &&
                        header.keys == keys.size() &&
                        read_all(from->fd, std::as_writable_bytes(std::span(stored)), keys_at) &&
                        std::ranges::equal(stored, keys) && read_all(from->fd, pages, pages_at) &&
                        header.content == content_of(stored, pages, secret_);
  if (!is_whole || (groups & ~record.groups) != 0) {
    index_.erase(text);
    return false;
  }
  auto page = pages.begin();
  for (size_t g = 0; g < page_bytes_.size(); ++g) {
    if (!(record.groups >> g & 1)) continue;
    if (groups >> g & 1) {
      std::copy_n(page, page_bytes_[g], out.begin());
      out = out.subspan(page_bytes_[g]);
    }
    page += ptrdiff_t(page_bytes_[g]);
  }
  return true;
}

void PageStore::write(const vision::Hash& text, std::span<const int64_t> keys, uint32_t groups,
                      std::span<const std::byte> pages) {
  check(pages.size() == bytes_of(groups), "a record has the pages of its groups");
  Header header{.groups = groups, .text = text, .keys = uint32_t(keys.size()), .content = content_of(keys, pages, secret_)};
  header.own = vision::hash_bytes(signed_part(header), secret_);
  const uint64_t bytes = sizeof(Header) + keys.size_bytes() + pages.size();
  make_room(bytes);
  if (!writing_ || segments_.back().bytes + bytes > std::max(kLeastSegment, limit_ / kSegments)) begin_segment();
  Segment& to = segments_.back();
  const uint64_t at = to.bytes;
  const bool is_written = write_all(to.fd, pages, at + sizeof(Header) + keys.size_bytes()) &&
                          write_all(to.fd, std::as_bytes(keys), at + sizeof(Header)) &&
                          write_all(to.fd, std::as_bytes(std::span(&header, 1)), at);
  if (!is_written) {
    const std::string why = std::strerror(errno);
    if (ftruncate(to.fd, off_t(at)) != 0) log::warn("a part of a record stays in {}", folder_.string());
    fail("the cache on disk in {} cannot be written: {}", folder_.string(), why);
  }
  to.bytes += bytes;
  bytes_ += bytes;
  index_[text] = {.segment = to.number, .offset = at, .groups = groups};
}

void PageStore::begin_segment() {
  const uint32_t number = segments_.empty() ? 1 : segments_.back().number + 1;
  const fs::path path = folder_ / fmt::format("{}.pages", number);
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) fail("{} cannot be made: {}", path.string(), std::strerror(errno));
  segments_.push_back({.number = number, .fd = fd});
  writing_ = true;
  share_room();
}

void PageStore::make_room(uint64_t bytes) {
  while (!segments_.empty() && bytes_ + bytes > room_) drop_oldest();
}

void PageStore::drop_oldest() {
  const Segment oldest = segments_.front();
  segments_.pop_front();
  writing_ &= !segments_.empty();
  close(oldest.fd);
  std::error_code ignored;
  fs::remove(folder_ / fmt::format("{}.pages", oldest.number), ignored);
  bytes_ -= oldest.bytes;
  ++dropped_;
  std::erase_if(index_, [&](const auto& entry) { return entry.second.segment == oldest.number; });
}

}  // namespace troika::engine
