// Chats with pictures become prompts: through templates that know lists of parts, and through those that do not.
#include "engine/eyes.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "engine/image_words.h"
#include "text/byte_alphabet.h"

namespace troika::engine {
namespace {

constexpr const char* kWithParts =
    "{% for m in messages %}{{ m.role }}:{% if m.content is string %}{{ m.content }}{% else %}"
    "{% for p in m.content %}{% if p.type == 'image' %}<start_of_image>{% else %}{{ p.text }}{% endif %}{% endfor %}"
    "{% endif %};{% endfor %}";
constexpr const char* kPlain = "{% for m in messages %}{{ m.role }}:{{ m.content }};{% endfor %}";
constexpr const char* kRefusesLists =
    "{% for m in messages %}{{ m.role }}:{% if m.content is not string %}{{ raise_exception('text only') }}{% endif %}"
    "{{ m.content }};{% endfor %}";

constexpr int32_t kBegin = 256, kImage = 257, kEnd = 258;

// One token a byte, and Gemma's words for pictures.
TextModel text_model(const char* chat_template) {
  text::TokenizerData data{.nfc = false};
  for (int byte = 0; byte < 256; ++byte) data.tokens.push_back(text::to_byte_alphabet(std::string(1, char(byte))));
  data.types.assign(256, text::TokenType::normal);
  for (const char* word : {"<start_of_image>", "<image_soft_token>", "<end_of_image>"}) {
    data.tokens.push_back(word);
    data.types.push_back(text::TokenType::control);
  }
  TextModel model;
  model.tokenizer = text::make_tokenizer(std::move(data));
  model.chat_template = std::make_unique<text::ChatTemplate>(chat_template);
  return model;
}

struct World {
  explicit World(const char* chat_template, bool pan_and_scan = false)
      : text(text_model(chat_template)),
        eyes(spec, tower, text, {.tokens = {kImage, kBegin, kEnd}, .pan_and_scan = pan_and_scan}) {}

  models::ModelSpec spec{.family = "gemma3", .vocabulary = 259, .image_runs = true};
  models::TowerSpec tower{.processor = {.rule = vision::ResizeRule::fixed, .merge = 1, .temporal = 1, .size = 28}};
  TextModel text;
  Eyes eyes;
};

SharedPicture picture(int width, int height) { return std::make_shared<vision::Picture>(width, height); }

const nlohmann::ordered_json kQuestion = {
    {"messages",
     {{{"role", "user"}, {"content", {{{"type", "image"}}, {{"type", "text"}, {"text", "What?"}}}}}}}};

// "\n\n", the picture's four tokens between its marks, "\n\n".
std::vector<int32_t> shown_picture() {
  return {'\n', '\n', kBegin, kImage, kImage, kImage, kImage, kEnd, '\n', '\n'};
}

std::vector<int32_t> operator+(std::vector<int32_t> a, std::string_view b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
std::vector<int32_t> operator+(std::vector<int32_t> a, const std::vector<int32_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(Eyes, PutPicturesWhereTheMessagesHaveThem) {
  for (const char* chat_template : {kWithParts, kPlain, kRefusesLists}) {
    World world(chat_template);
    ImagePrompt prompt = world.eyes.chat(kQuestion, std::vector{picture(50, 40)});
    EXPECT_EQ(prompt.tokens, std::vector<int32_t>() + "user:" + shown_picture() + "What?;") << chat_template;
    ASSERT_EQ(prompt.images.size(), 1u);
    EXPECT_EQ(prompt.images[0].first, 8);
    EXPECT_EQ(prompt.images[0].count, 4);
  }
}

TEST(Eyes, WantAPictureForEachPart) {
  World world(kWithParts);
  EXPECT_THROW(world.eyes.chat(kQuestion, {}), Error);
  EXPECT_THROW(world.eyes.chat(kQuestion, std::vector{picture(9, 9), picture(9, 9)}), Error);
}

TEST(Eyes, RefuseAPlaceholderThatSomebodyTyped) {
  World world(kWithParts);
  auto question = kQuestion;
  question["messages"][0]["content"][1]["text"] = "What is <start_of_image>?";
  EXPECT_THROW(world.eyes.chat(question, std::vector{picture(9, 9)}), Error);
}

TEST(Eyes, ShowPartsOfALongPictureWhenAskedTo) {
  auto tokens = [](World world, int width) { return world.eyes.chat(kQuestion, std::vector{picture(width, 300)}); };
  EXPECT_EQ(tokens(World(kWithParts, /*pan_and_scan=*/false), 900).images.size(), 1u);
  EXPECT_EQ(tokens(World(kWithParts, /*pan_and_scan=*/true), 300).images.size(), 1u);
  ImagePrompt prompt = tokens(World(kWithParts, /*pan_and_scan=*/true), 900);
  ASSERT_EQ(prompt.images.size(), 4u);
  EXPECT_EQ(prompt.images[1].picture->width, 300);
  EXPECT_EQ(prompt.tokens, std::vector<int32_t>() + "user:Here is the original image " + shown_picture() +
                               " and here are some crops to help you see better " + shown_picture() + " " +
                               shown_picture() + " " + shown_picture() + "What?;");
}

TEST(Eyes, KeepASecretOfTheirOwnInWhatNamesAPicture) {
  World a(kWithParts), b(kWithParts);
  auto one = std::vector{picture(9, 9)};
  EXPECT_EQ(a.eyes.chat(kQuestion, one).images[0].hash, a.eyes.chat(kQuestion, one).images[0].hash);
  EXPECT_NE(a.eyes.chat(kQuestion, one).images[0].hash, b.eyes.chat(kQuestion, one).images[0].hash);
}

TEST(Eyes, ShrinkPicturesToTheLimitWhereSizesVary) {
  models::ModelSpec spec{.family = "qwen2vl", .vocabulary = 259};
  models::TowerSpec tower{.processor = {.rule = vision::ResizeRule::smart}};
  TextModel text = text_model(kWithParts);
  auto tokens = [&](int64_t most_pixels) {
    Eyes eyes(spec, tower, text, {.tokens = {.image = kImage}, .most_pixels = most_pixels});
    return eyes.place(std::vector<int32_t>{kImage}, std::vector{picture(560, 560)}).tokens.size();
  };
  EXPECT_EQ(tokens(0), 400u);
  EXPECT_EQ(tokens(280 * 280), 100u);
}

}  // namespace
}  // namespace troika::engine
