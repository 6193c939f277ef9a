// Where the store keeps things and whom it asks. Others share the cache, so the variables that place it are theirs
// (HF_HOME and its like), not ours; they are read in one function.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

namespace troika::store {

uint64_t free_disk_bytes(const std::filesystem::path& folder);  // for us, now; of the nearest folder that exists

struct Settings {
  std::filesystem::path cache;  // the Hugging Face hub's cache, shared with other programs
  std::filesystem::path home;   // our own: names, and files that come from no hub
  std::filesystem::path zoo;    // zoo.json
  std::string endpoint = "https://huggingface.co";
  std::string token;       // for the endpoint alone; "": none
  std::string offline_by;  // the variable that forbids the network, "" when none does
  std::chrono::milliseconds retry_pause{1000};  // before the first new attempt; each further one waits twice as long
  std::chrono::seconds longest_pause{120};      // that a busy hub may ask for
  uint64_t (*free_bytes)(const std::filesystem::path&) = free_disk_bytes;
};

// HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME, HF_ENDPOINT, HF_TOKEN or the token file that `hf auth login` leaves,
// HF_HUB_OFFLINE; TROIKA_HOME, XDG_DATA_HOME, TROIKA_OFFLINE. Throws Error when there is no home folder, or the endpoint
// is no URL.
Settings settings_from_environment(std::filesystem::path zoo);

}  // namespace troika::store
