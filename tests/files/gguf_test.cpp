// GGUF: what is written is read, every value type is understood, and each kind of wrong file is refused with
// a sentence about what is wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>

#include "base/error.h"
#include "files/gguf_writer.h"
#include "files/model_file.h"
#include "files/scratch.h"

namespace troika::files {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

enum Type : uint32_t { kU8, kI8, kU16, kI16, kU32, kI32, kF32, kBool, kText, kList, kU64, kI64, kF64 };

std::string key(std::string_view name, Type type, std::string_view value) {
  return gguf_text(name) + le(uint32_t{type}) + std::string(value);
}
std::string list(std::string_view name, Type type, uint64_t count, std::string_view elements) {
  return key(name, kList, le(uint32_t{type}) + le(count) + std::string(elements));
}
std::string tensor(std::string_view name, std::vector<uint64_t> sizes, uint32_t type, uint64_t offset) {
  std::string out = gguf_text(name) + le(static_cast<uint32_t>(sizes.size()));
  for (uint64_t size : sizes) out += le(size);
  return out + le(type) + le(offset);
}

// A file by hand: keys, tensors and `data` bytes of 0x01 after padding to 32.
std::string gguf(std::vector<std::string> keys, std::vector<std::string> tensors = {}, size_t data = 0,
                 uint32_t version = 3) {
  std::string out = "GGUF" + le(version) + le(uint64_t{tensors.size()}) + le(uint64_t{keys.size()});
  for (const std::string& key : keys) out += key;
  for (const std::string& tensor : tensors) out += tensor;
  if (data > 0) out.resize((out.size() + 31) / 32 * 32, '\0');
  return out + std::string(data, '\1');
}

std::string refusal(std::string_view bytes) {
  Scratch scratch;
  try {
    ModelFile::open(scratch.write("m.gguf", bytes));
  } catch (const Error& error) {
    return error.what();
  }
  return "(opened)";
}

TEST(Gguf, ReadsWhatTheWriterWrote) {
  Scratch scratch;
  std::vector<float> matrix(2 * 64);
  std::iota(matrix.begin(), matrix.end(), -3.5f);
  std::vector<std::string> tokens = {"a", "", "Ġ", "\"quoted\""};
  std::vector<int32_t> types = {1, 3, -4};
  std::vector<float> scores = {0, -1.5f};

  GgufWriter writer(scratch / "m.gguf");
  writer.set("general.architecture", "qwen2");
  writer.set("u32", uint32_t{4000000000});
  writer.set("i32", int32_t{-5});
  writer.set("u64", uint64_t{1} << 62);
  writer.set("i64", int64_t{-1} << 62);
  writer.set("f32", 0.5f);
  writer.set("f64", 1e-300);
  writer.set("yes", true);
  writer.set("tokens", std::span<const std::string>(tokens));
  writer.set("types", std::span<const int32_t>(types));
  writer.set("scores", std::span<const float>(scores));
  writer.add("plain", Format::f32, {2, 64}, std::as_bytes(std::span(matrix)));
  writer.add("packed", Format::q8_0, {1, 2, 64},
             [&](std::span<std::byte> out) { info(Format::q8_0).pack(matrix, {}, out.data()); });
  writer.finish();

  auto file = ModelFile::open(scratch / "m.gguf");
  EXPECT_EQ(file->kind(), FileKind::gguf);
  EXPECT_EQ(file->bytes(), std::filesystem::file_size(scratch / "m.gguf"));
  EXPECT_EQ(file->text_file("tokenizer.json"), "");
  const Metadata& m = file->metadata();
  EXPECT_EQ(m.text("general.architecture"), "qwen2");
  EXPECT_EQ(m.integer("u32"), 4000000000);
  EXPECT_EQ(m.integer("i32"), -5);
  EXPECT_EQ(m.integer("u64"), int64_t{1} << 62);
  EXPECT_EQ(m.integer("i64"), int64_t{-1} << 62);
  EXPECT_EQ(m.number("f32"), 0.5);
  EXPECT_EQ(m.number("f64"), 1e-300);
  EXPECT_EQ(m.boolean("yes"), true);
  EXPECT_THAT(m.strings("tokens"), ElementsAre("a", "", "Ġ", "\"quoted\""));
  EXPECT_THAT(m.integers("types"), ElementsAre(1, 3, -4));
  EXPECT_THAT(m.numbers("types"), ElementsAre(1, 3, -4));
  EXPECT_THAT(m.numbers("scores"), ElementsAre(0, -1.5));
  EXPECT_EQ(m.entries().size(), 11u);

  EXPECT_THAT(file->names(), ElementsAre("plain", "packed"));
  auto plain = file->find("plain");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->shape, (Shape{2, 64}));
  ASSERT_EQ(plain->bytes.size(), 512u);
  EXPECT_EQ(std::memcmp(plain->bytes.data(), matrix.data(), 512), 0);
  auto packed = file->find("packed");
  ASSERT_TRUE(packed);
  EXPECT_EQ(packed->format, Format::q8_0);
  EXPECT_EQ(packed->shape, (Shape{1, 2, 64}));
  std::vector<float> back(128);
  info(Format::q8_0).unpack(packed->bytes.data(), back);
  for (size_t i = 0; i < 128; ++i) EXPECT_NEAR(back[i], matrix[i], 0.5);
  EXPECT_FALSE(file->find("absent"));
}

TEST(Gguf, WeightsOutliveTheirFile) {
  Scratch scratch;
  std::vector<float> values(32, 7);
  GgufWriter writer(scratch / "m.gguf");
  writer.add("w", Format::f32, {32}, std::as_bytes(std::span(values)));
  writer.finish();
  auto view = ModelFile::open(scratch / "m.gguf")->find("w");
  float last;
  std::memcpy(&last, view->bytes.data() + 124, 4);
  EXPECT_EQ(last, 7);
}

TEST(Gguf, CopiesKeysFromOneFileToAnotherExactly) {
  Scratch scratch;
  auto from = ModelFile::open(scratch.write(
      "a.gguf", gguf({key("a", kU16, le(uint16_t{7})), list("b", kText, 2, gguf_text("x") + gguf_text("yz")),
                      list("c", kI8, 3, "\1\2\3"), key("d", kF64, le(2.5))})));
  GgufWriter writer(scratch / "b.gguf");
  for (const auto& entry : from->metadata().entries()) writer.copy(entry);
  writer.finish();
  std::string a = scratch.read("a.gguf"), b = scratch.read("b.gguf");
  EXPECT_EQ(b.substr(0, a.size()), a);  // then padding
}

TEST(Gguf, AWriterThatFailsLeavesNothingBehind) {
  Scratch scratch;
  GgufWriter writer(scratch / "m.gguf");
  writer.add("w", Format::f32, {32}, [](std::span<std::byte>) { fail("the source is broken"); });
  EXPECT_THROW(writer.finish(), Error);
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));
}

TEST(Gguf, AWriterRefusesWhatNoReaderWouldTake) {
  Scratch scratch;
  GgufWriter writer(scratch / "m.gguf");
  writer.set("k", 1.0f);
  EXPECT_ANY_THROW(writer.set("k", 2.0f));
  EXPECT_ANY_THROW(writer.set("", 2.0f));
  std::vector<std::byte> bytes(128);
  writer.add("w", Format::f32, {32}, bytes);
  EXPECT_ANY_THROW(writer.add("w", Format::f32, {32}, bytes));
  EXPECT_ANY_THROW(writer.add("short", Format::f32, {33}, bytes));
  EXPECT_ANY_THROW(writer.add(std::string(64, 'n'), Format::f32, {32}, bytes));
}

TEST(Gguf, AcceptsEveryIntegerTypeWhereItFits) {
  Scratch scratch;
  auto file = ModelFile::open(scratch.write(
      "m.gguf",
      gguf({key("u8", kU8, "\xff"), key("i8", kI8, "\xff"), key("u16", kU16, le(uint16_t{65535})),
            key("i16", kI16, le(int16_t{-2})), key("u64", kU64, le(UINT64_MAX)), key("f", kF32, le(5.0f)),
            key("half", kF32, le(5.5f)), key("nan", kF32, le(NAN)), key("inf", kF64, le(double{INFINITY})),
            list("mixed", kF32, 2, le(1.0f) + le(1.5f)), list("whole", kF32, 2, le(1.0f) + le(-2.0f)),
            list("none", kI32, 0, ""), list("big", kU64, 2, le(uint64_t{1}) + le(UINT64_MAX)),
            list("bools", kBool, 3, std::string("\1\0\1", 3))})));
  const Metadata& m = file->metadata();
  EXPECT_EQ(m.integer("u8"), 255);
  EXPECT_EQ(m.integer("i8"), -1);
  EXPECT_EQ(m.integer("u16"), 65535);
  EXPECT_EQ(m.integer("i16"), -2);
  EXPECT_THROW(m.integer("u64"), Error);
  EXPECT_EQ(m.number("u64"), 0x1p64);
  EXPECT_EQ(m.integer("f"), 5);
  EXPECT_THROW(m.integer("half"), Error);
  EXPECT_THROW(m.integer("nan"), Error);
  EXPECT_THROW(m.integer("inf"), Error);
  EXPECT_THAT(m.numbers("mixed"), ElementsAre(1, 1.5));
  EXPECT_THROW(m.integers("mixed"), Error);
  EXPECT_THAT(m.integers("whole"), ElementsAre(1, -2));
  EXPECT_THAT(m.integers("none"), IsEmpty());
  EXPECT_THAT(m.strings("none"), IsEmpty());
  EXPECT_THROW(m.integers("big"), Error);
  EXPECT_THAT(m.booleans("bools"), ElementsAre(true, false, true));
}

TEST(Gguf, AWrongTypeNamesTheKeyAndAnAbsentKeyIsNothing) {
  Scratch scratch;
  auto file = ModelFile::open(
      scratch.write("m.gguf", gguf({key("one", kU32, le(uint32_t{1})), key("text", kText, gguf_text("t")),
                                    list("list", kI32, 1, le(int32_t{9}))})));
  const Metadata& m = file->metadata();
  EXPECT_EQ(m.integer("absent"), std::nullopt);
  EXPECT_EQ(m.text("absent"), std::nullopt);
  EXPECT_EQ(m.boolean("absent"), std::nullopt);
  EXPECT_EQ(m.number("absent"), std::nullopt);
  EXPECT_THAT(m.integers("absent"), IsEmpty());
  EXPECT_THAT(m.booleans("absent"), IsEmpty());
  EXPECT_FALSE(m.has("absent"));
  EXPECT_TRUE(m.has("one"));
  EXPECT_TRUE(m.is_array("list"));
  EXPECT_FALSE(m.is_array("one"));
  EXPECT_THAT(m.integers("one"), ElementsAre(1));  // a scalar where a list may stand
  for (auto wrong :
       std::vector<std::function<void()>>{[&] { m.text("one"); }, [&] { m.boolean("one"); },
                                          [&] { m.strings("one"); }, [&] { m.booleans("one"); }}) {
    try {
      wrong();
      ADD_FAILURE() << "a wrong type was accepted";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("metadata one"));
    }
  }
  EXPECT_THROW(m.integer("list"), Error);
  EXPECT_THROW(m.integer("text"), Error);
  EXPECT_THROW(m.numbers("text"), Error);
}

TEST(Gguf, ValuesAreShownShort) {
  Scratch scratch;
  std::string many;
  for (int i = 0; i < 1000; ++i) many += gguf_text("token" + std::to_string(i));
  auto file = ModelFile::open(
      scratch.write("m.gguf", gguf({key("n", kU32, le(uint32_t{28})), key("x", kF32, le(0.25f)),
                                    key("t", kText, gguf_text("a\n\"b\"")),
                                    list("few", kI32, 2, le(1) + le(2)), list("tokens", kText, 1000, many),
                                    key("y", kBool, "\1"), key("long", kText, gguf_text("ééééééééé"))})));
  auto entries = file->metadata().entries();
  EXPECT_EQ(to_text(entries[0].value), "28");
  EXPECT_EQ(to_text(entries[1].value), "0.25");
  EXPECT_EQ(to_text(entries[2].value), "\"a\\n\\\"b\\\"\"");
  EXPECT_EQ(to_text(entries[3].value), "[1, 2]");
  EXPECT_EQ(to_text(entries[4].value, 30), "[1000 texts: \"token0\", \"token1\", …]");
  EXPECT_EQ(to_text(entries[5].value), "true");
  EXPECT_EQ(to_text(entries[6].value, 5), "\"éé…\"");
}

TEST(Gguf, NestedListsAreSteppedOver) {
  Scratch scratch;
  std::string inner = le(uint32_t{kI32}) + le(uint64_t{2}) + le(1) + le(2);
  std::string texts = le(uint32_t{kText}) + le(uint64_t{1}) + gguf_text("x");
  auto file = ModelFile::open(
      scratch.write("m.gguf", gguf({list("nested", kList, 2, inner + texts), key("after", kU8, "\5")})));
  EXPECT_EQ(file->metadata().integer("after"), 5);
  EXPECT_TRUE(file->metadata().has("nested"));
  EXPECT_THROW(file->metadata().integers("nested"), Error);
  std::string deep;
  for (int i = 0; i < 2000; ++i) deep += le(uint32_t{kList}) + le(uint64_t{1});
  EXPECT_THAT(refusal(gguf({list("deep", kList, 1, deep)})), HasSubstr("too deeply"));
}

TEST(Gguf, ReadsVersion2AndFilesWithoutTensors) {
  Scratch scratch;
  auto file = ModelFile::open(scratch.write("m.gguf", gguf({key("a", kU8, "\1")}, {}, 0, 2)));
  EXPECT_THAT(file->tensors(), IsEmpty());
}

TEST(Gguf, RefusesWrongHeaders) {
  EXPECT_THAT(refusal("GGML" + std::string(100, '\0')), HasSubstr("not a GGUF file"));
  EXPECT_THAT(refusal("G"), HasSubstr("cut short"));
  EXPECT_THAT(refusal(""), HasSubstr("empty"));
  EXPECT_THAT(refusal(gguf({}, {}, 0, 1)), HasSubstr("version 1"));
  EXPECT_THAT(refusal(gguf({}, {}, 0, 4)), HasSubstr("version 4"));
  EXPECT_THAT(refusal(gguf({}, {}, 0, 0x03000000)), HasSubstr("big-endian"));
  EXPECT_THAT(refusal("GGUF" + le(3) + le(uint64_t{1} << 62) + le(uint64_t{0})),
              HasSubstr("more than it can hold"));
  EXPECT_THAT(refusal("GGUF" + le(3) + le(uint64_t{0}) + le(UINT64_MAX)), HasSubstr("more than it can hold"));
}

TEST(Gguf, RefusesWrongKeys) {
  std::string one = key("a", kU8, "\1");
  EXPECT_THAT(refusal(gguf({one, one})), HasSubstr("key a appears twice"));
  EXPECT_THAT(refusal(gguf({key("", kU32, le(1))})), HasSubstr("name of 0 bytes"));
  EXPECT_THAT(refusal(gguf({key(std::string(65536, 'k'), kU8, "\1")})), HasSubstr("65536"));
  EXPECT_THAT(refusal(gguf({key("\xff\xfe", kU32, le(1))})), HasSubstr("UTF-8"));
  EXPECT_THAT(refusal(gguf({key("t", kText, gguf_text("\xc3"))})), HasSubstr("UTF-8"));
  EXPECT_THAT(refusal(gguf({key("b", kBool, "\2")}) + "   "), HasSubstr("neither true nor false"));
  EXPECT_THAT(refusal(gguf({key("v", static_cast<Type>(13), le(1))})), HasSubstr("unknown value type 13"));
  EXPECT_THAT(refusal(gguf({list("l", kText, uint64_t{1} << 62, "")})), HasSubstr("claims"));
  EXPECT_THAT(refusal(gguf({list("l", kF64, (uint64_t{1} << 61) + 1, "")})), HasSubstr("allowed"));
  EXPECT_THAT(refusal(gguf({list("l", kBool, UINT64_MAX, "")})), HasSubstr("cut short"));
  EXPECT_THAT(refusal(gguf({list("l", kText, 1, le(uint64_t{1000}))})), HasSubstr("cut short"));
}

TEST(Gguf, RefusesWrongAlignments) {
  for (uint32_t alignment : {0u, 1u, 3u, 4u, 48u, 2u << 20, 1u << 31})
    EXPECT_THAT(refusal(gguf({key("general.alignment", kU32, le(alignment))})), HasSubstr("power of two"));
  EXPECT_THAT(refusal(gguf({key("general.alignment", kText, gguf_text("32"))})),
              HasSubstr("general.alignment"));
}

TEST(Gguf, HonoursItsAlignment) {
  Scratch scratch;
  std::string bytes =
      gguf({key("general.alignment", kU32, le(64))}, {tensor("a", {1}, 0, 0), tensor("b", {1}, 0, 64)});
  bytes.resize((bytes.size() + 63) / 64 * 64);
  bytes += le(1.5f) + std::string(60, '\0') + le(2.5f);
  auto file = ModelFile::open(scratch.write("m.gguf", bytes));
  float b;
  std::memcpy(&b, file->find("b")->bytes.data(), 4);
  EXPECT_EQ(b, 2.5f);
}

TEST(Gguf, RefusesWrongTensors) {
  EXPECT_EQ(refusal(gguf({}, {tensor("w", {8}, 0, 0)}, 32)), "(opened)");
  EXPECT_THAT(refusal(gguf({}, {tensor("w", {8}, 0, 0)}, 31)), HasSubstr("cut short"));
  EXPECT_THAT(refusal(gguf({}, {tensor("w", {8}, 0, 32)}, 32)), HasSubstr("ends past"));
  EXPECT_THAT(refusal(gguf({}, {tensor("w", {8}, 0, UINT64_MAX - 31)}, 32)), HasSubstr("ends past"));
  EXPECT_THAT(refusal(gguf({}, {tensor("w", {8}, 0, 8)}, 64)), HasSubstr("not aligned"));
  EXPECT_THAT(refusal(gguf({}, {tensor("w", {}, 0, 0)}, 64)), HasSubstr("0 dimensions"));
  EXPECT_THAT(refusal(gguf({}, {tensor("w", {1, 1, 1, 1, 1}, 0, 0)}, 64)), HasSubstr("5 dimensions"));
  EXPECT_THAT(refusal(gguf({}, {tensor("w", {0}, 0, 0)}, 64)), HasSubstr("dimension of 0"));
  EXPECT_THAT(refusal(gguf({}, {tensor("w", {UINT64_MAX}, 0, 0)}, 64)), HasSubstr("dimension of"));
  EXPECT_THAT(refusal(gguf({}, {tensor("w", {1u << 30, 1u << 30, 1u << 30}, 0, 0)}, 64)),
              HasSubstr("larger than any"));
  EXPECT_THAT(refusal(gguf({}, {tensor("w", {255, 2}, 12, 0)}, 2048)), HasSubstr("no multiple of the 256"));
  EXPECT_THAT(refusal(gguf({}, {tensor("", {8}, 0, 0)}, 64)), HasSubstr("0 bytes"));
  EXPECT_THAT(refusal(gguf({}, {tensor(std::string(64, 'w'), {8}, 0, 0)}, 64)), HasSubstr("64 bytes"));
  EXPECT_THAT(refusal(gguf({}, {tensor("w", {8}, 0, 0), tensor("w", {8}, 0, 32)}, 64)),
              HasSubstr("w appears twice"));
  EXPECT_THAT(refusal(gguf({}, {tensor("v", {16}, 0, 0), tensor("w", {8}, 0, 32)}, 64)),
              HasSubstr("v and w share"));
  EXPECT_THAT(refusal(gguf({}, {tensor("v", {8}, 0, 0), tensor("w", {8}, 0, 0)}, 64)), HasSubstr("share"));
}

TEST(Gguf, OpensWithTypesThatItCannotReadAndSaysSoWhenTheyAreAsked) {
  Scratch scratch;
  auto file =
      ModelFile::open(scratch.write("m.gguf", gguf({},
                                                   {tensor("old", {32}, 4, 0), tensor("new", {32}, 99, 32),
                                                    tensor("q5", {32}, 6, 64), tensor("w", {8}, 0, 96)},
                                                   128)));
  EXPECT_EQ(file->tensors()[0].type, "type 4");
  EXPECT_EQ(file->tensors()[2].type, "q5_0");
  EXPECT_EQ(file->tensors()[2].bytes, 22u);
  EXPECT_TRUE(file->find("w"));
  for (const char* name : {"old", "new"}) {
    try {
      file->find(name);
      ADD_FAILURE() << name << " was found";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(std::string("tensor ") + name + " has type type "));
    }
  }
}

std::string part(int no, int count, std::string_view name, int total = 2) {
  return gguf(
      {key("split.no", kU16, le(static_cast<uint16_t>(no))),
       key("split.count", kU16, le(static_cast<uint16_t>(count))),
       key("split.tensors.count", kI32, le(total)), key("from", kU8, std::string(1, static_cast<char>(no)))},
      {tensor(name, {8}, 0, 0)}, 32);
}

TEST(Gguf, OpensAllPartsOfASplitModel) {
  Scratch scratch;
  auto first = scratch.write("m-00001-of-00002.gguf", part(0, 2, "a"));
  auto second = scratch.write("m-00002-of-00002.gguf", part(1, 2, "b"));
  auto file = ModelFile::open(first);
  EXPECT_THAT(file->names(), ElementsAre("a", "b"));
  EXPECT_EQ(file->metadata().integer("from"), 0);
  EXPECT_EQ(file->bytes(), std::filesystem::file_size(first) + std::filesystem::file_size(second));
  EXPECT_TRUE(file->find("b"));
  EXPECT_THROW(ModelFile::open(second), Error);
}

TEST(Gguf, RefusesIncompleteSplits) {
  Scratch scratch;
  auto first = scratch.write("m-00001-of-00002.gguf", part(0, 2, "a"));
  EXPECT_THROW(ModelFile::open(first), Error) << "the second part is missing";
  scratch.write("m-00002-of-00002.gguf", part(0, 2, "b"));
  EXPECT_THROW(ModelFile::open(first), Error) << "the second part says it is the first";
  scratch.write("m-00002-of-00002.gguf", part(1, 2, "a"));
  EXPECT_THROW(ModelFile::open(first), Error) << "both hold one tensor";
  scratch.write("m-00002-of-00002.gguf", part(1, 2, "b"));
  EXPECT_NO_THROW(ModelFile::open(first));
  scratch.write("m-00001-of-00002.gguf", part(0, 2, "a", 3));
  EXPECT_THROW(ModelFile::open(first), Error) << "a third tensor is promised";
  EXPECT_THROW(ModelFile::open(scratch.write("renamed.gguf", part(0, 2, "a"))), Error);
}

TEST(Gguf, RefusesWhatIsNoFile) {
  Scratch scratch;
  EXPECT_THROW(ModelFile::open(scratch / "absent.gguf"), Error);
  EXPECT_THROW(ModelFile::open("/dev/null"), Error);
  EXPECT_THROW(ModelFile::open(scratch.write("model.safetensors", "x")), Error);
}

TEST(Gguf, OpensRealVocabularies) {
  int opened = 0;
  for (const char* name :
       {"tokenizers/qwen2/qwen3-vocab-only.gguf", "tokenizers/gemma3/gemma3-vocab-only.gguf",
        "ggml-vocab/ggml-vocab-gpt-2.gguf", "ggml-vocab/ggml-vocab-llama-spm.gguf",
        "ggml-vocab/ggml-vocab-phi-3.gguf", "ggml-vocab/ggml-vocab-bert-bge.gguf"}) {
    auto path = shared_folder() / "data" / name;
    if (!std::filesystem::exists(path)) continue;
    auto file = ModelFile::open(path);
    EXPECT_GT(file->metadata().strings("tokenizer.ggml.tokens").size(), 30000u) << name;
    EXPECT_TRUE(file->metadata().text("general.architecture")) << name;
    ++opened;
  }
  if (opened == 0)
    GTEST_SKIP() << "no vocabularies in " << shared_folder() / "data"
                 << " (set TROIKA_SHARED)";
}

TEST(Gguf, OpensALargeVocabulary) {
  Scratch scratch;
  std::vector<std::string> tokens, merges;
  for (int i = 0; i < 152'000; ++i) tokens.push_back("Ġtoken" + std::to_string(i));
  for (int i = 0; i < 152'000; ++i) merges.push_back("Ġtoken " + std::to_string(i));
  std::vector<int32_t> types(tokens.size(), 1);
  GgufWriter writer(scratch / "m.gguf");
  writer.set("tokenizer.ggml.tokens", std::span<const std::string>(tokens));
  writer.set("tokenizer.ggml.merges", std::span<const std::string>(merges));
  writer.set("tokenizer.ggml.token_type", std::span<const int32_t>(types));
  std::vector<std::byte> row(64);
  for (int i = 0; i < 400; ++i) writer.add("blk." + std::to_string(i), Format::f32, {16}, row);
  writer.finish();
  auto file = ModelFile::open(scratch / "m.gguf");
  EXPECT_EQ(file->metadata().strings("tokenizer.ggml.tokens")[151'999], "Ġtoken151999");
}

}  // namespace
}  // namespace troika::files
