// See access.h.
#include "server/access.h"

#include <algorithm>
#include <cmath>

namespace troika::server {
namespace {

// OpenAI's clients send "Authorization: Bearer KEY", Anthropic's "x-api-key: KEY".
std::string_view key_of(const HttpRequest& request) {
  constexpr std::string_view kBearer = "bearer ";
  std::string_view value = request.header("authorization");
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  if (value.size() > kBearer.size() && std::equal(kBearer.begin(), kBearer.end(), value.begin(),
                                                  [&](char bearer, char given) { return same(given, bearer); })) {
    value.remove_prefix(std::min(value.find_first_not_of(' ', kBearer.size()), value.size()));
    return value;
  }
  return request.header("x-api-key");
}

ApiError unauthenticated(std::string_view key) {
  ApiError error(401, "authentication_error",
                 key.empty() ? "This server wants an API key: send it as 'Authorization: Bearer KEY'."
                             : "This API key is not known here.",
                 "", "invalid_api_key");
  error.headers = {{"WWW-Authenticate", "Bearer"}};
  return error;
}

ApiError too_many(const std::string& message, double seconds) {
  ApiError error(429, "rate_limit_error", message, "", "rate_limit_exceeded");
  error.headers = {{"Retry-After", fmt::format("{}", std::max(1, int(std::ceil(seconds))))}};
  return error;
}

}  // namespace

Admission Access::admit(const HttpRequest& request, Role needed, bool metered, Clock::time_point now) {
  if (!asks_) return {};
  const std::string_view text = key_of(request);
  const ApiKey* key = text.empty() ? nullptr : find_key(keys_, text);
  if (!key) {
    Admission nobody{.caller = {.role = Role::open}};
    if (needed > Role::open) nobody.refusal = unauthenticated(text);
    return nobody;
  }
  Admission admission{
      .caller = {.name = key->name, .role = key->role, .models = key->models, .priority = key->priority}};
  if (key->role < needed) {
    admission.refusal = ApiError(
        403, "permission_error", fmt::format("The key '{}' is a user's; this is for admins.", key->name), "", "forbidden");
    return admission;
  }
  if (!metered) return admission;
  std::shared_ptr<KeyUse>& use = uses_[key->name];
  if (!use) use = std::make_shared<KeyUse>(KeyUse{.left = double(key->per_minute), .counted = now});
  admission.refusal = over_limit(*key, *use, now);
  if (!admission.refusal) admission.permit = Permit(use);
  return admission;
}

void Access::replace(std::vector<ApiKey> keys) {
  keys_ = std::move(keys);
  std::erase_if(uses_, [&](const auto& use) { return std::ranges::find(keys_, use.first, &ApiKey::name) == keys_.end(); });
}

// Takes one request of the minute's if there is one.
std::optional<ApiError> Access::over_limit(const ApiKey& key, KeyUse& use, Clock::time_point now) {
  if (key.concurrent > 0 && use.running >= key.concurrent)
    return too_many(fmt::format("The key '{}' may have {} requests at the same time, and that many are running.",
                                key.name, key.concurrent),
                    1);
  if (key.per_minute == 0) return std::nullopt;
  const double per_second = key.per_minute / 60.0;
  const double passed = std::chrono::duration<double>(now - use.counted).count();
  use.left = std::min(double(key.per_minute), use.left + passed * per_second);
  use.counted = now;
  if (use.left < 1)
    return too_many(fmt::format("The key '{}' may send {} requests a minute.", key.name, key.per_minute),
                    (1 - use.left) / per_second);
  use.left -= 1;
  return std::nullopt;
}

}  // namespace troika::server
