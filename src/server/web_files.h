// The page's files, as web/ was built, inside this program. The table is written by tools/embed_files.cmake.
#pragma once

#include <span>
#include <string_view>

namespace troika::server {

struct WebFile {
  std::string_view path;  // "index.html", "assets/index-BfQ2x.js"
  std::string_view bytes;
};

std::span<const WebFile> web_files();

}  // namespace troika::server
