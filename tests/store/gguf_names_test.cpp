// Which models a list of files holds, and which one is meant.
#include "store/gguf_names.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "store/pull_choice.h"

namespace troika::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(GgufNames, SayTheQuantisation) {
  const std::pair<const char*, const char*> cases[] = {
      {"qwen2.5-7b-instruct-q4_k_m.gguf", "Q4_K_M"},
      {"qwen2.5-7b-instruct-q8_0-00001-of-00003.gguf", "Q8_0"},
      {"Meta-Llama-3-8B.Q5_K_S.gguf", "Q5_K_S"},
      {"Q8_0/model-Q8_0-00001-of-00002.gguf", "Q8_0"},
      {"x-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"},
      {"x-IQ3_XXS.gguf", "IQ3_XXS"},
      {"x-bf16.gguf", "BF16"},
      {"x-Q4_0_4_4.gguf", "Q4_0_4_4"},
      {"x-mxfp4.gguf", "MXFP4"},
      {"gemma-3-4b-it.gguf", ""},
      {"2b_it_v2.gguf", ""},
      {"qwen-q4.gguf", ""},
      {"q8_0.txt", ""},
  };
  for (const auto& [file, quantisation] : cases) EXPECT_EQ(quantisation_of(file), quantisation) << file;
}

TEST(GgufNames, OfSplitFilesCountWhenAllPartsAreThere) {
  std::vector<std::string> files = {"a-q4_0-00001-of-00002.gguf", "a-q4_0-00002-of-00002.gguf", "a-q8_0-00001-of-00003.gguf",
                                    "a-q8_0-00003-of-00003.gguf", "a-q2_k-00000-of-00001.gguf", "a-q3_k-00002-of-00001.gguf",
                                    "README.md", "mmproj-a-f16.gguf", "imatrix.gguf", "mtp-a-q4_0.gguf"};
  auto models = models_among(files);
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(models[0].quantisation, "Q4_0");
  EXPECT_THAT(models[0].parts, ElementsAre(files[0], files[1]));
}

std::string taken(const std::vector<std::string>& files, std::string_view quantisation) {
  auto models = models_among(files);
  const GgufModel* model = choose(models, quantisation);
  return model ? model->parts.front() : "";
}

TEST(GgufNames, TheUsualQuantisationIsTakenElseItsNearest) {
  EXPECT_EQ(taken({"a-Q8_0.gguf", "a-Q4_K_M.gguf", "a-f16.gguf"}, ""), "a-Q4_K_M.gguf");
  EXPECT_EQ(taken({"a-Q8_0.gguf", "a-Q4_K_S.gguf", "a-Q2_K.gguf"}, ""), "a-Q4_K_S.gguf");
  EXPECT_EQ(taken({"a-f16.gguf", "a-Q8_0.gguf"}, ""), "a-Q8_0.gguf");
  EXPECT_EQ(taken({"a.gguf"}, ""), "a.gguf");
  EXPECT_EQ(taken({"a-f16.gguf", "a-Q8_0.gguf"}, "f16"), "a-f16.gguf");
  EXPECT_EQ(taken({"a-UD-Q4_K_XL.gguf"}, "q4_k_xl"), "a-UD-Q4_K_XL.gguf");
  EXPECT_EQ(taken({"a-Q8_0.gguf"}, "Q4_K_M"), "");
}

TEST(GgufNames, TheProjectorLiesInTheModelsFolder) {
  std::vector<std::string> files = {"a-Q4_0.gguf", "mmproj-a-f32.gguf", "mmproj-a-f16.gguf", "mmproj-a-Q8_0.gguf",
                                    "x/b-Q4_0.gguf", "x/mmproj-b-Q8_0.gguf"};
  auto models = models_among(files);
  EXPECT_EQ(choose_projector(files, models[0], ""), "mmproj-a-f16.gguf");
  EXPECT_EQ(choose_projector(files, models[0], "mmproj-*-q8_0.gguf"), "mmproj-a-Q8_0.gguf");
  EXPECT_EQ(choose_projector(files, models[0], "eyes-*"), "mmproj-a-f16.gguf");
  EXPECT_EQ(choose_projector(files, models[1], ""), "x/mmproj-b-Q8_0.gguf");
}

Name name_of(const std::string& text) { return parse_name("me/it" + text); }

std::string refusal(const std::vector<std::string>& files, const std::string& text) {
  try {
    choose_files(files, name_of(text), "Q4_K_M", "");
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(PullChoice, SaysWhatWasTakenInstead) {
  std::vector<std::string> files = {"a-Q8_0.gguf", "a-f16.gguf", "mmproj-a-f16.gguf"};
  PullChoice choice = choose_files(files, name_of(""), "Q4_K_M", "");
  EXPECT_THAT(choice.files, ElementsAre("a-Q8_0.gguf", "mmproj-a-f16.gguf"));
  EXPECT_THAT(choice.note, HasSubstr("no Q4_K_M; Q8_0 was taken"));
  EXPECT_THAT(choose_files(files, name_of(":f16"), "Q4_K_M", "").note, IsEmpty());
  EXPECT_THAT(choose_files(files, name_of(":a-f16.gguf"), "Q4_K_M", "").files, ElementsAre("a-f16.gguf", "mmproj-a-f16.gguf"));
  EXPECT_THAT(refusal(files, ":Q2_K"), HasSubstr("has no Q2_K; it has F16, Q8_0"));
  EXPECT_THAT(refusal(files, ":none.gguf"), HasSubstr("has no file none.gguf"));
  EXPECT_THAT(refusal(files, ":mmproj-a-f16.gguf"), HasSubstr("no whole model"));
}

TEST(PullChoice, TakesASafetensorsFolderWhereThereIsNoGguf) {
  std::vector<std::string> files = {".gitattributes", "README.md", "config.json", "consolidated.safetensors", "merges.txt",
                                    "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                                    "model.safetensors.index.json", "onnx/model.onnx", "pytorch_model.bin", "tokenizer.json"};
  PullChoice choice = choose_files(files, name_of(""), "Q4_K_M", "");
  EXPECT_TRUE(choice.folder);
  EXPECT_THAT(choice.files, ElementsAre("config.json", "merges.txt", "model.safetensors.index.json", "tokenizer.json",
                                        "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"));
  EXPECT_THAT(refusal(files, ":Q4_K_M"), HasSubstr("--quant q4_k_m"));
  files.erase(files.begin() + 5);
  EXPECT_THAT(refusal(files, ""), HasSubstr("nothing that Troika reads"));
  EXPECT_THAT(refusal({"README.md"}, ""), HasSubstr("nothing that Troika reads"));
}

}  // namespace
}  // namespace troika::store
