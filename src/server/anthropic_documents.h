// Anthropic's document blocks as text, in the tags in which models know documents:
//
//   <document>
//   <source>the title</source>
//   <context>what the caller says about it</context>
//   <document_content>
//   …
//   </document_content>
//   </document>
#pragma once

#include <functional>
#include <string>

#include "server/json_input.h"

namespace troika::server {

// A picture within a document, whose block stands at `path`: whoever is called does something about `text`, that which
// stands before it, and what is left there goes on.
using ShowPicture = std::function<void(const Fields& block, const std::string& path, std::string& text)>;

// Sources of type text and content; the others, PDF among them, are refused by their place. Throws ApiError.
std::string read_document(const Fields& block, const ShowPicture& show);

}  // namespace troika::server
