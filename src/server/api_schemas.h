// The fields of every request that has a JSON body.
#pragma once

#include "server/api_fields.h"

namespace troika::server {

extern const Schema kChatSchema, kCompletionSchema, kEmbeddingSchema, kResponseSchema;        // OpenAI
extern const Schema kMessagesSchema, kCountTokensSchema;                                      // Anthropic
extern const Schema kOllamaChatSchema, kOllamaGenerateSchema, kOllamaEmbedSchema;             // Ollama
extern const Schema kOllamaOldEmbedSchema, kOllamaShowSchema, kOllamaOptionsSchema;
extern const Schema kOllamaPullSchema, kOllamaCopySchema, kOllamaDeleteSchema, kModelNameSchema;
extern const Schema kTokenizeSchema, kDetokenizeSchema;                                       // llama.cpp

}  // namespace troika::server
