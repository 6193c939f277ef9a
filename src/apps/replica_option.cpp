#include "apps/replica_option.h"

#include <charconv>

#include "apps/model_options.h"
#include "base/error.h"

namespace troika::apps {
namespace {

constexpr int kMostReplicas = 64;

int read_count(std::string_view text, const std::string& whole) {
  int count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count < 1 || count > kMostReplicas)
    fail("--replicas {}: give a number from 1 to {}, or NAME=NUMBER", whole, kMostReplicas);
  return count;
}

std::string id_of(const std::string& name, const std::vector<std::string>& started) {
  for (const std::string& model : started) {
    const std::string id = id_of_model(model);
    if (name == id || name == model) return id;
  }
  return id_of_model(name);
}

}  // namespace

ReplicaCounts read_replicas(const std::vector<std::string>& texts, const std::vector<std::string>& started) {
  ReplicaCounts counts;
  for (const std::string& text : texts) {
    const size_t equals = text.rfind('=');
    if (equals == std::string::npos) {
      counts.started = read_count(text, text);
      continue;
    }
    const int count = read_count(std::string_view(text).substr(equals + 1), text);
    try {
      counts.named[id_of(text.substr(0, equals), started)] = count;
    } catch (const Error& error) {
      fail("--replicas {}: {}", text, error.what());
    }
  }
  return counts;
}

}  // namespace troika::apps
