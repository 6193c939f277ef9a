#include "server/api_schemas.h"

namespace troika::server {
namespace {

using enum Use;

// --- OpenAI ---

// Of chat and text completions.
constexpr Field kSampling[] = {
    {"model", "string", honoured, "a served model's id or alias; absent: the first served"},
    {"stream", "boolean", honoured, "server-sent events"},
    {"stream_options", "object", honoured, "include_usage: usage and timings in a last chunk; needs stream"},
    {"max_tokens", "integer", honoured, "at most so many tokens are generated"},
    {"max_completion_tokens", "integer", honoured, "the same; wins over max_tokens"},
    {"n", "integer", honoured, "1 to 128 choices; with a seed, the next choice has the next seed"},
    {"temperature", "number", honoured, "0 to 2; 0 is greedy; default: the model's recommendation"},
    {"top_p", "number", honoured, "0 to 1"},
    {"top_k", "integer", honoured, "0 or -1: off"},
    {"min_p", "number", honoured, "0 to 1"},
    {"typical_p", "number", honoured, "0 to 1"},
    {"presence_penalty", "number", honoured, "-2 to 2, over generated tokens"},
    {"frequency_penalty", "number", honoured, "-2 to 2, over generated tokens"},
    {"repeat_penalty", "number", honoured, "0.01 to 100, over prompt and answer; 1: off"},
    {"repetition_penalty", "number", honoured, "the same under another name"},
    {"logit_bias", "object", honoured, "token id to -100 … 100"},
    {"seed", "integer", honoured, "the same seed and request give the same answer"},
    {"stop", "string or array", honoured, "up to 4 strings; the text ends before the first that comes"},
    {"ignore_eos", "boolean", honoured, "goes on past end-of-generation tokens"},
    {"slice", "string", honoured, "of a MatFormer model (Gemma 3n): \"e2b\""},
    {"priority", "integer", honoured, "-100 to 100, lower ones come first; with keys: not before the key's own"},
    {"response_format", "object", honoured, "types text, json_object, json_schema; see structured-output.md"},
    {"json_schema", "object or boolean or string", honoured, "the answer is JSON of this schema"},
    {"grammar", "string", honoured, "the answer keeps to this grammar in llama.cpp's notation (GBNF)"},
    {"guided_json", "object or boolean or string", honoured, "the same as json_schema"},
    {"guided_regex", "string", honoured, "the whole answer matches this regular expression"},
    {"guided_grammar", "string", honoured, "the same as grammar"},
    {"guided_choice", "array", honoured, "the answer is one of these strings"},
    {"structured_outputs", "object", honoured, "one of json, regex, grammar, choice: the same as the fields above"},
    {"modalities", "array", honoured, "[\"text\"] only"},
    {"user", "string", accepted, "nothing is kept by user"},
    {"store", "boolean", accepted, "nothing is stored"},
    {"metadata", "object", accepted, "nothing is stored"},
    {"service_tier", "string", accepted, "there is one tier"},
    {"safety_identifier", "string", accepted, "nothing is kept by user"},
    {"prompt_cache_key", "string", accepted, "the cache finds equal beginnings by itself"},
    {"prompt_cache_retention", "string", accepted, "text is kept until its room is needed"},
    {"cache_prompt", "boolean", refused, "", "true"},
    {"functions", "array", refused, "", "[]"},
    {"function_call", "string or object", refused, "", "\"none\" \"auto\""},
    {"audio", "object", refused, ""},
    {"mirostat", "integer", refused, "", "0"},
    {"dry_multiplier", "number", refused, "", "0 0.0"},
    {"xtc_probability", "number", refused, "", "0 0.0"},
    {"lora", "array", refused, "", "[]"},
};

constexpr Field kChat[] = {
    {.name = "messages",
     .type = "array",
     .note = "roles system, developer, user, assistant, tool; content as text or parts text, image_url, refusal",
     .required = true},
    {"tools", "array", honoured, "up to 128 functions; see structured-output.md"},
    {"tool_choice", "string or object", honoured, "\"none\", \"auto\", \"required\", a function, or allowed_tools"},
    {"parallel_tool_calls", "boolean", honoured, "false: at most one call in an answer; default true"},
    {"logprobs", "boolean", honoured, "of every generated token, those of the reasoning first"},
    {"top_logprobs", "integer", honoured, "0 to 20; needs logprobs"},
    {"reasoning_effort", "string", honoured, "goes to the template; \"none\" also sets enable_thinking to false"},
    {"reasoning_format", "string", honoured, "\"auto\" or \"deepseek\": reasoning_content; \"none\": all is content"},
    {"chat_template_kwargs", "object", honoured, "variables for the model's template"},
    {"enable_thinking", "boolean", honoured, "goes to the template"},
    {"thinking_budget", "integer", honoured, "tokens of reasoning; 0: none, -1: no limit"},
    {"max_thinking_tokens", "integer", honoured, "the same under another name"},
    {"verbosity", "string", accepted, "models have no such setting"},
    {"prediction", "object", accepted, "it could only save time"},
    {"moderation", "object", accepted, "nothing is moderated"},
    {"suffix", "string", refused, "", "\"\""},
    {"web_search_options", "object", refused, ""},
};

constexpr Field kCompletion[] = {
    {.name = "prompt",
     .type = "string or array",
     .note = "text, token ids, or a list of either",
     .required = true},
    {"suffix", "string", honoured, "for models with fill-in-the-middle tokens: what comes after the completion"},
    {"logprobs", "integer", honoured, "0 to 20: how many alternatives to give of every token"},
    {"echo", "boolean", honoured, "the prompt before the completion; with max_tokens 0 the prompt alone is scored"},
    {"best_of", "integer", honoured, "must equal n"},
    {"tools", "array", refused, "tools are called in chats", "[]"},
    {"tool_choice", "string or object", refused, "tools are called in chats", "\"none\" \"auto\""},
    {"parallel_tool_calls", "boolean", accepted, "tools are called in chats"},
};

constexpr Field kEmbedding[] = {
    {.name = "input",
     .type = "string or array",
     .note = "text, token ids, or a list of either; at most 2048",
     .required = true},
    {"model", "string", honoured, "a served model's id or alias; absent: the first served"},
    {"encoding_format", "string", honoured, "\"float\" or \"base64\" (little-endian float32)"},
    {"dimensions", "integer", honoured, "only the first so many, made unit length again"},
    {"user", "string", accepted, "nothing is kept by user"},
    {"priority", "integer", honoured, "-100 to 100, lower ones come first; with keys: not before the key's own"},
};

constexpr Field kResponse[] = {
    {.name = "input",
     .type = "string or array",
     .note = "text, or items: message (input_text, input_image, output_text, refusal), reasoning, function_call, function_call_output, item_reference",
     .required = true},
    {"model", "string", honoured, "a served model's id or alias; absent: the first served"},
    {"instructions", "string", honoured, "a system message in front; not carried over to later responses"},
    {"priority", "integer", honoured, "-100 to 100, lower ones come first; with keys: not before the key's own"},
    {"previous_response_id", "string", honoured,
     "goes on with the conversation of a response that is in memory"},
    {"store", "boolean", honoured, "default true: kept in memory, within bounds"},
    {"stream", "boolean", honoured, "server-sent events"},
    {"stream_options", "object", accepted, "only include_obfuscation, and we send no padding"},
    {"max_output_tokens", "integer", honoured, "reasoning included"},
    {"temperature", "number", honoured, "0 to 2; default: the model's recommendation"},
    {"top_p", "number", honoured, "0 to 1"},
    {"top_logprobs", "integer", honoured, "0 to 20; needs include \"message.output_text.logprobs\""},
    {"include", "array", honoured,
     "\"message.output_text.logprobs\"; \"reasoning.encrypted_content\" is passed over"},
    {"reasoning", "object", honoured, "effort as in chat; summary \"auto\": the reasoning itself is given"},
    {"metadata", "object", honoured, "comes back with the response; at most 64 KiB"},
    {"tools", "array", honoured, "up to 128 of type function; see structured-output.md"},
    {"tool_choice", "string or object", honoured, "\"none\", \"auto\", \"required\", a function, or allowed_tools"},
    {"parallel_tool_calls", "boolean", honoured, "false: at most one call in an answer; default true"},
    {"text", "object", honoured, "format of type text, json_object or json_schema; verbosity changes nothing"},
    {"truncation", "string", honoured, "\"disabled\" only: nothing is ever cut"},
    {"background", "boolean", refused, "", "false"},
    {"conversation", "string or object", refused, ""},
    {"prompt", "object", refused, ""},
    {"context_management", "array", refused, "", "[]"},
    {"max_tool_calls", "integer", accepted, "it is about tools of the server's own, and there are none"},
    {"user", "string", accepted, "nothing is kept by user"},
    {"service_tier", "string", accepted, "there is one tier"},
    {"safety_identifier", "string", accepted, "nothing is kept by user"},
    {"prompt_cache_key", "string", accepted, "the cache finds equal beginnings by itself"},
    {"prompt_cache_retention", "string", accepted, "text is kept until its room is needed"},
};

// --- Anthropic ---

constexpr Field kPromptOfMessages[] = {
    {.name = "messages",
     .type = "array",
     .note = "roles user and assistant; blocks text, image, thinking, tool_use, tool_result; a last assistant message is gone on with",
     .required = true},
    {"model", "string", honoured, "a served model's id or alias; absent: the first served"},
    {"system", "string or array", honoured, "text, or text blocks"},
    {"thinking", "object", honoured, "enabled with budget_tokens, disabled, or adaptive; absent: as the model likes"},
    {"tools", "array", honoured, "up to 128 of the client's own (name, input_schema); see structured-output.md"},
    {"tool_choice", "object", honoured, "types auto, any, tool, none; disable_parallel_tool_use: at most one call"},
    {"output_config", "object", honoured, "effort goes to the template; format json_schema: the answer is JSON of this schema"},
    {"cache_control", "object", accepted, "the cache finds equal beginnings by itself"},
    {"mcp_servers", "array", refused, "", "[]"},
    {"context_management", "object", refused, "nothing is taken out of a conversation",
     "{} {\"edits\":[]} {\"edits\":[{\"type\":\"clear_thinking_20251015\",\"keep\":\"all\"}]}"},
    {"container", "string or object", refused, ""},
    {"thread", "object", refused, "send the whole conversation"},
};

constexpr Field kMessages[] = {
    {.name = "max_tokens", .type = "integer", .note = "reasoning included", .required = true},
    {"stream", "boolean", honoured, "server-sent events"},
    {"stop_sequences", "array", honoured, "up to 64 strings; the text ends before the first that comes"},
    {"priority", "integer", honoured, "-100 to 100, lower ones come first; with keys: not before the key's own"},
    {"temperature", "number", honoured, "0 to 2; default: the model's recommendation"},
    {"top_p", "number", honoured, "0 to 1"},
    {"top_k", "integer", honoured, "0 or -1: off"},
    {"metadata", "object", accepted, "nothing is kept by user"},
    {"service_tier", "string", accepted, "there is one tier"},
    {"inference_geo", "string", accepted, "it is computed here"},
};

// --- Ollama ---

constexpr Field kOllamaAnswer[] = {
    {.name = "model", .type = "string", .note = "a served model's id or alias, with or without :latest", .required = true},
    {"stream", "boolean", honoured, "default true: one JSON object a line"},
    {"options", "object", honoured, "see OllamaOptions"},
    {"keep_alive", "string or number", honoured, "how long the model stays loaded after this: seconds or a duration, negative for as long as there is room, 0 not at all"},
    {"think", "boolean or string", honoured, "false: none; true or a level: as the model does it"},
    {"logprobs", "boolean", honoured, "of every generated token"},
    {"top_logprobs", "integer", honoured, "0 to 20; needs logprobs"},
    {"truncate", "boolean", refused, "a prompt is never cut", "false"},
    {"shift", "boolean", refused, "a conversation is never cut", "false"},
    {"format", "string or object", honoured, "\"json\" or a schema: the answer is such JSON; see structured-output.md"},
    {"priority", "integer", honoured, "-100 to 100, lower ones come first; with keys: not before the key's own"},
};

constexpr Field kOllamaChat[] = {
    {.name = "messages",
     .type = "array",
     .note = "roles system, user, assistant, tool; content, images (base64), thinking, tool_calls, tool_name; none: the model is loaded already"},
    {"tools", "array", honoured, "up to 128 functions; see structured-output.md"},
};

constexpr Field kOllamaGenerate[] = {
    {"prompt", "string", honoured, "\"\" or absent: the model is loaded already"},
    {"system", "string", honoured, "a system message in front"},
    {"images", "array", honoured, "base64"},
    {"raw", "boolean", honoured, "the prompt as it is, without the template"},
    {"suffix", "string", honoured, "for models with fill-in-the-middle tokens"},
    {"template", "string", refused, "the model's own is used", "\"\""},
    {"context", "array", refused, "use /api/chat with messages", "[]"},
};

constexpr Field kOllamaOptions[] = {
    {"temperature", "number", honoured, "0 to 2"},
    {"top_k", "integer", honoured, "0 or -1: off"},
    {"top_p", "number", honoured, "0 to 1"},
    {"min_p", "number", honoured, "0 to 1"},
    {"typical_p", "number", honoured, "0 to 1"},
    {"repeat_penalty", "number", honoured, "over prompt and answer"},
    {"repeat_last_n", "integer", honoured, "-1: all of it; 0: no penalty"},
    {"presence_penalty", "number", honoured, "-2 to 2"},
    {"frequency_penalty", "number", honoured, "-2 to 2"},
    {"logit_bias", "object", honoured, "token id to -100 … 100"},
    {"seed", "integer", honoured, "-1: random"},
    {"stop", "string or array", honoured, "up to 64 strings"},
    {"num_predict", "integer", honoured, "0 and below: no limit"},
    {"num_ctx", "integer", honoured, "at most the context that is served; it does not change"},
    {"num_keep", "integer", accepted, "a conversation is never cut"},
    {"num_batch", "integer", accepted, "the server's own"},
    {"num_gpu", "integer", accepted, "the server's own"},
    {"main_gpu", "integer", accepted, "the server's own"},
    {"num_thread", "integer", accepted, "the server's own"},
    {"use_mmap", "boolean", accepted, "the server's own"},
    {"use_mlock", "boolean", accepted, "the server's own"},
    {"numa", "boolean", accepted, "the server's own"},
    {"low_vram", "boolean", accepted, "the server's own"},
    {"mirostat", "integer", refused, "", "0"},
    {"tfs_z", "number", refused, "", "1 1.0"},
};

constexpr Field kOllamaEmbed[] = {
    {.name = "model", .type = "string", .note = "a served model's id or alias", .required = true},
    {.name = "input", .type = "string or array", .note = "a text or several, at most 2048", .required = true},
    {"truncate", "boolean", honoured, "true: a text that is too long is cut at its end; default false, it is refused"},
    {"dimensions", "integer", honoured, "only the first so many, made unit length again"},
    {"options", "object", honoured, "see OllamaOptions; none of them matters here"},
    {"keep_alive", "string or number", honoured, "as in OllamaChatRequest"},
    {"priority", "integer", honoured, "-100 to 100, lower ones come first; with keys: not before the key's own"},
};

constexpr Field kOllamaOldEmbed[] = {
    {.name = "model", .type = "string", .note = "a served model's id or alias", .required = true},
    {.name = "prompt", .type = "string", .note = "", .required = true},
    {"options", "object", honoured, "see OllamaOptions; none of them matters here"},
    {"keep_alive", "string or number", honoured, "as in OllamaChatRequest"},
    {"priority", "integer", honoured, "-100 to 100, lower ones come first; with keys: not before the key's own"},
};

constexpr Field kOllamaShow[] = {
    {"model", "string", honoured, "a served model's id or alias"},
    {"name", "string", honoured, "the same under its old name"},
    {"verbose", "boolean", accepted, "tables of the tokenizer are never shown"},
};

constexpr Field kOllamaPull[] = {
    {"model", "string", honoured, "a name that `troika pull` takes"},
    {"name", "string", honoured, "the same under its old name"},
    {"stream", "boolean", honoured, "default true: progress as lines of JSON"},
    {"insecure", "boolean", refused, "", "false"},
};

constexpr Field kOllamaCopy[] = {
    {.name = "source", .type = "string", .note = "a model that is here", .required = true},
    {.name = "destination", .type = "string", .note = "its other name", .required = true},
};

constexpr Field kOllamaDelete[] = {
    {"model", "string", honoured, "a model that is here"},
    {"name", "string", honoured, "the same under its old name"},
};

// --- Our own ---

constexpr Field kModelName[] = {
    {.name = "model", .type = "string", .note = "a served model's id or alias", .required = true},
};

// --- llama.cpp ---

constexpr Field kTokenize[] = {
    {.name = "content", .type = "string", .note = "the text", .required = true},
    {"model", "string", honoured, "a served model's id or alias; absent: the first served"},
    {"add_special", "boolean", honoured, "default false: a BOS in front, where the model wants one"},
    {"parse_special", "boolean", honoured, "default true: special tokens are recognised in the text"},
    {"with_pieces", "boolean", honoured, "default false: tokens come as {id, piece}"},
};

constexpr Field kDetokenize[] = {
    {.name = "tokens", .type = "array", .note = "token ids", .required = true},
    {"model", "string", honoured, "a served model's id or alias; absent: the first served"},
};

}  // namespace

const Schema kChatSchema{"ChatCompletionRequest", kChat, kSampling};
const Schema kCompletionSchema{"CompletionRequest", kCompletion, kSampling};
const Schema kEmbeddingSchema{"EmbeddingRequest", kEmbedding, {}};
const Schema kResponseSchema{"ResponseRequest", kResponse, {}};
const Schema kMessagesSchema{"MessagesRequest", kMessages, kPromptOfMessages};
const Schema kCountTokensSchema{"CountTokensRequest", kPromptOfMessages, {}};
const Schema kOllamaChatSchema{"OllamaChatRequest", kOllamaChat, kOllamaAnswer};
const Schema kOllamaGenerateSchema{"OllamaGenerateRequest", kOllamaGenerate, kOllamaAnswer};
const Schema kOllamaEmbedSchema{"OllamaEmbedRequest", kOllamaEmbed, {}};
const Schema kOllamaOldEmbedSchema{"OllamaEmbeddingsRequest", kOllamaOldEmbed, {}};
const Schema kOllamaShowSchema{"OllamaShowRequest", kOllamaShow, {}};
const Schema kOllamaPullSchema{"OllamaPullRequest", kOllamaPull, {}};
const Schema kOllamaCopySchema{"OllamaCopyRequest", kOllamaCopy, {}};
const Schema kOllamaDeleteSchema{"OllamaDeleteRequest", kOllamaDelete, {}};
const Schema kModelNameSchema{"ModelNameRequest", kModelName, {}};
const Schema kOllamaOptionsSchema{"OllamaOptions", kOllamaOptions, {}};
const Schema kTokenizeSchema{"TokenizeRequest", kTokenize, {}};
const Schema kDetokenizeSchema{"DetokenizeRequest", kDetokenize, {}};

}  // namespace troika::server
