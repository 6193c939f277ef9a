// Settings that would make another model of the same tensors: computed as they say, or refused by name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "files/config_file.h"
#include "files/scratch.h"
#include "models/architecture.h"

namespace troika::models {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kSizes =
    R"("vocab_size": 100, "hidden_size": 64, "intermediate_size": 96,
       "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16)";

ModelSpec read(std::string_view type, std::string_view more) {
  files::Scratch scratch;
  bool has_layers = more.find("num_hidden_layers") != more.npos;
  auto path = scratch.write("config.json", fmt::format(R"({{"model_type": "{}", {}{}{}{}}})", type, kSizes,
                                                       has_layers ? "" : R"(, "num_hidden_layers": 4)",
                                                       more.empty() ? "" : ", ", more));
  auto file = files::open_config(path);
  return architecture_of(*file).read(*file);
}

void expect_refused(std::string_view type, std::string_view setting, std::string_view named) {
  try {
    read(type, setting);
    ADD_FAILURE() << type << " with " << setting << " was read";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr(std::string(named)));
  }
}

TEST(Refusals, NameTheSettingThatTroikaDoesNotCompute) {
  expect_refused("qwen3", R"("attention_bias": true)", "attention_bias");
  expect_refused("llama", R"("mlp_bias": true)", "mlp_bias");
  expect_refused("llama", R"("hidden_act": "gelu")", "hidden_act is 'gelu'");
  expect_refused("gemma2", R"("hidden_activation": "silu")", "hidden_activation");
  expect_refused("gemma3_text", R"("use_bidirectional_attention": true)", "use_bidirectional_attention");
}

TEST(Refusals, NameTheNumberThatMakesNoSense) {
  expect_refused("gemma2", R"("query_pre_attn_scalar": 0)", "query_pre_attn_scalar is 0");
  expect_refused("gemma2", R"("attn_logit_softcapping": -50)", "attn_logit_softcapping is -50");
  expect_refused("qwen3", R"("rms_norm_eps": -1)", "rms_norm_eps is -1");
  expect_refused("qwen3_moe", R"("num_experts": 4096, "num_experts_per_tok": 2, "moe_intermediate_size": 8,
                                 "num_hidden_layers": 1024)", "more than Troika takes on");
}

TEST(Settings, AreComputedAsTheySay) {
  EXPECT_EQ(read("qwen3", "").windows, (std::vector<int>{0, 0, 0, 0}));
  EXPECT_EQ(read("qwen3", R"("use_sliding_window": true, "sliding_window": 7, "max_window_layers": 2)").windows,
            (std::vector<int>{0, 0, 7, 7}));
  EXPECT_EQ(read("gemma2", "").attention_softcap, 50);
  EXPECT_EQ(read("gemma2", R"("attn_logit_softcapping": null)").attention_softcap, 0);
}

TEST(Settings, TakeTheTiedHeadFromTheTopOfAConfig) {
  EXPECT_TRUE(read("qwen3", R"("tie_word_embeddings": true, "text_config": {"tie_word_embeddings": false})").tied_head);
  EXPECT_TRUE(read("qwen3", R"("text_config": {"tie_word_embeddings": true})").tied_head);
  EXPECT_FALSE(read("qwen3", "").tied_head);
}

}  // namespace
}  // namespace troika::models
