// The grammar of a whole answer: reasoning, then text, a format, or calls of tools.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "server/http.h"
#include "server/output_format.h"
#include "server/tools.h"
#include "text/reasoning.h"

namespace troika::server {

struct AnswerRules {
  OutputFormat format;
  ToolRequest tools;
  text::Reasoning reasoning = text::Reasoning::none;  // what the text begins with
};

// Null: any text will do. Its notes are sentences about schemas that are not kept to. Throws ApiError that
// names the field which cannot be honoured.
std::shared_ptr<const grammar::TokenGrammar> answer_grammar(const engine::Engine& engine,
                                                            const AnswerRules& wanted);

// A response header for each note of the grammar: what of the request is not kept to.
void add_notes(Reply& reply, const grammar::TokenGrammar* grammar);

}  // namespace troika::server
