// See web_page.h. The page runs nothing but its own files and talks to nobody but us, whatever a model writes: that
// is what the Content-Security-Policy says. The files' names hold a hash of what they contain, so a browser may keep
// them for ever; only the page itself is asked for again.
#include "server/web_page.h"

#include <algorithm>

#include "server/api_error.h"
#include "server/native.h"
#include "server/web_files.h"

namespace troika::server {
namespace {

constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

struct ContentType {
  std::string_view suffix, type;
};
constexpr ContentType kContentTypes[] = {{".html", "text/html; charset=utf-8"},
                                         {".js", "text/javascript; charset=utf-8"},
                                         {".css", "text/css; charset=utf-8"},
                                         {".svg", "image/svg+xml"},
                                         {".txt", "text/plain; charset=utf-8"}};

std::string content_type_of(std::string_view path) {
  for (const ContentType& row : kContentTypes)
    if (path.ends_with(row.suffix)) return std::string(row.type);
  return "application/octet-stream";
}

const WebFile* find_file(std::string_view path) {
  const auto files = web_files();
  const auto found = std::ranges::find(files, path, &WebFile::path);
  return found == files.end() ? nullptr : &*found;
}

Reply reply_with(const WebFile& file, std::string caching) {
  return {.content_type = content_type_of(file.path),
          .headers = {{"Cache-Control", std::move(caching)},
                      {"Content-Security-Policy", std::string(kPolicy)},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cross-Origin-Opener-Policy", "same-origin"},
                      {"Cross-Origin-Resource-Policy", "same-origin"}},
          .body = std::string(file.bytes)};
}

}  // namespace

Reply front(const Models& models, const HttpRequest& request, std::string_view rest) {
  const WebFile* page = find_file("index.html");
  const bool browser = request.header("accept").find("text/html") != std::string_view::npos;
  Reply reply = page && browser ? reply_with(*page, "no-cache") : welcome(models, request, rest);
  reply.headers.emplace_back("Vary", "Accept");
  return reply;
}

Reply web_asset(const Models&, const HttpRequest& request, std::string_view rest) {
  const WebFile* file = find_file("assets/" + std::string(rest));
  if (!file) throw ApiError(404, "not_found_error", fmt::format("There is no {} here.", request.path));
  return reply_with(*file, "public, max-age=31536000, immutable");
}

}  // namespace troika::server
