#include "server/anthropic_documents.h"

#include "server/api_error.h"
#include "server/picture_reader.h"

namespace troika::server {
namespace {

// A string, or blocks of text and pictures.
void read_blocks(const Json& content, const std::string& path, const ShowPicture& show, std::string& text) {
  if (content.is_string()) {
    text += content.get_ref<const std::string&>();
    return;
  }
  if (!content.is_array()) refuse(path, "{} must be a string or an array of blocks, not {}.", path, kind_of(content));
  for (size_t i = 0; i < content.size(); ++i) {
    const std::string place = fmt::format("{}[{}]", path, i);
    const Fields block(content[i], place);
    block.required("type");
    if (i > 0) text += '\n';
    if (*block.choice("type", {"text", "image"}) == "image") {
      show(block, place, text);
    } else {
      block.required("text");
      text += *block.string("text");
    }
  }
}

void read_source(const Fields& source, const ShowPicture& show, std::string& text) {
  source.required("type");
  const std::string type = *source.choice("type", {"text", "content", "base64", "url", "file"});
  if (type == "file") refuse_part(source.path("type"), "there are no files here; send the text, as a source of type text.");
  if (type == "base64" || type == "url")
    refuse_part(source.path("type"), "PDF is not read here; send the text of the document, as a source of type text.");
  if (type == "content") return read_blocks(source.required("content"), source.path("content"), show, text);
  source.required("data");
  source.choice("media_type", {"text/plain"});
  text += *source.string("data");
}

}  // namespace

std::string read_document(const Fields& block, const ShowPicture& show) {
  const Json& about_source = block.required("source");
  if (const Json* citations = block.find("citations"))
    if (const Fields members(*citations, block.path("citations")); members.boolean("enabled").value_or(false))
      refuse_part(members.path("enabled"), "citations are not supported.");
  std::string text = "<document>\n";
  if (const auto title = block.string("title")) text += fmt::format("<source>{}</source>\n", *title);
  if (const auto context = block.string("context")) text += fmt::format("<context>{}</context>\n", *context);
  text += "<document_content>\n";
  read_source(Fields(about_source, block.path("source")), show, text);
  return text + "\n</document_content>\n</document>";
}

}  // namespace troika::server
