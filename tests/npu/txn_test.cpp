// Instruction streams: one that ran on a 7840HS comes out bit for bit; what was written is read; damage is told.
#include "npu/txn/operations.h"

#include <gmock/gmock.h>
#include <random>

#include "base/error.h"
#include "npu/txn/gemm_stream.h"
#include "npu/txn/shim.h"
#include "store/digest.h"

namespace troika::npu::txn {
namespace {

std::string sha256(std::span<const uint32_t> words) {
  return store::sha256_of({reinterpret_cast<const char*>(words.data()), words.size_bytes()});
}

// The stream of a product of 512 × 512 × 512 in int16 with int32 sums, tiles of 64 × 64 × 32, as mlir-aie's example of the
// whole array makes it and as it ran on a Ryzen 7 7840HS. Which shim tile carries what was the placer's choice.
std::vector<uint32_t> stream_that_ran() {
  struct Column {
    Port c;
    int a_shim, b_shim;
  };
  constexpr int kSize = 512, kM = 64, kK = 64, kN = 32, kBlocks = 2;
  const Column columns[] = {{{{1, 0}, Direction::s2mm, 0}, 0, 1},
                            {{{1, 0}, Direction::s2mm, 1}, 1, 0},
                            {{{0, 0}, Direction::s2mm, 0}, 2, 2},
                            {{{2, 0}, Direction::s2mm, 0}, 3, 3}};
  int descriptors[kColumns] = {};
  std::vector<Operation> stream;
  auto move = [&](Port port, uint32_t argument, int offset, Transfer t) {
    t.port = port;
    t.descriptor = descriptors[port.tile.column]++;
    t.argument = argument;
    t.offset = uint32_t(offset);
    start(stream, t);
  };
  for (int c = 0; c < kColumns; ++c) {
    const Column& column = columns[c];
    // C: 32 columns of 256 rows, four times along N; then 256 rows further down.
    move(column.c, 2, c * kN * 4,
         {.words = kSize * kSize / (kColumns * kBlocks), .size0 = kN, .size1 = 4 * kM, .stride = {1, kSize, 4 * kN},
          .iterations = kBlocks, .iteration_stride = 4 * kM * kSize, .repeats = kBlocks, .token = true});
    for (int block = 0; block < kBlocks; ++block) {
      // A: 64 rows, 64 of K at a time; once for each block along N.
      move({{column.a_shim, 0}, Direction::mm2s, 0}, 0, (block * 4 + c) * kM * kSize * 2,
           {.words = kM * kSize / 2, .size0 = kK / 2, .size1 = kM, .stride = {1, kSize / 2, kK / 2}, .repeats = 4});
      // B: 32 columns, all of K; then the next block along N.
      move({{column.b_shim, 0}, Direction::mm2s, 1}, 1, c * kN * 2,
           {.words = kN * kSize / 2, .size0 = kN / 2, .size1 = kK, .stride = {1, kSize / 2, kK * kSize / 2},
            .iterations = 4, .iteration_stride = 4 * kN / 2, .repeats = 4});
    }
  }
  for (const Column& column : columns) stream.push_back(TokenWait{column.c});
  return encode(stream);
}

TEST(Txn, EncodesTheStreamThatRanOnA7840HS) {
  std::vector<uint32_t> words = stream_that_ran();
  EXPECT_EQ(words.size(), 648u);
  EXPECT_EQ(sha256(words), "989fc25e5215cee2ad7097e5b452590b81698b27169a3cab8a0c8bbf5d9c49f7");
}

TEST(Txn, ReadsWhatItWrote) {
  const Port port{{3, 0}, Direction::mm2s, 1};
  std::vector<Operation> operations{Write{register_of({2, 5}, 0x1f010), 7}, BlockWrite{register_of({1, 2}, 64), {1, 2, 3}},
                                    MaskedWrite{register_of(port.tile, control_of(port)), 0xf00, 0x1f00}, TokenWait{port},
                                    AddressPatch{register_of(port.tile, 0x1d004), 4, 0xfffffffc}};
  EXPECT_EQ(decode(encode(operations)), operations);
  EXPECT_EQ(encode(decode(stream_that_ran())), stream_that_ran());
}

TEST(Txn, IsShownAsText) {
  const Port port{{3, 0}, Direction::mm2s, 1};
  EXPECT_EQ(to_text(Operation{Write{register_of({2, 5}, 0x1f010), 7}}), "write core (2,5)+0x1f010 = 0x7");
  EXPECT_EQ(to_text(Operation{BlockWrite{register_of({1, 2}, 64), {1, 18}}}), "write core (1,2)+0x40 = 0x1 0x12");
  EXPECT_EQ(to_text(Operation{MaskedWrite{register_of({3, 0}, 0x1d218), 0xf00, 0x1f00}}),
            "write shim tile (3,0)+0x1d218 = 0xf00 in 0x1f00");
  EXPECT_EQ(to_text(Operation{TokenWait{port}}), "wait for MM2S 1 of shim tile (3,0)");
  EXPECT_EQ(to_text(Operation{AddressPatch{register_of({3, 0}, 0x1d004), 4, 16}}),
            "write shim tile (3,0)+0x1d004 = address of argument 4 + 0x10");
}

TEST(Txn, TellsWhereAStreamIsDamaged) {
  auto expect = [](std::vector<uint32_t> words, const char* sentence) {
    EXPECT_THAT([&] { decode(words); }, testing::ThrowsMessage<Error>(testing::HasSubstr(sentence)));
  };
  const std::vector<uint32_t> good = stream_that_ran();
  auto with = [&](size_t at, uint32_t value) {
    std::vector<uint32_t> words = good;
    words[at] = value;
    return words;
  };
  auto cut = [&](size_t words) {
    std::vector<uint32_t> out(good.begin(), good.begin() + words);
    out[3] = uint32_t(4 * words);
    return out;
  };
  expect({1, 2, 3}, "of 3 words is cut short");
  expect(with(0, 0x06040100), "it is for another NPU");
  expect(with(1, 0x105), "it is for another NPU");
  expect(with(2, 67), "says that it has 67 operations, but there are 68");
  expect(with(3, 4), "says that it has 4 bytes, but there are 2592");
  expect(with(4, 2), "Word 4 of an instruction stream, 0x2, is no operation");
  expect(with(7, 0x8000), "operation at word 4 of an instruction stream is cut short");
  expect(with(17, 44), "operation at word 16 of an instruction stream says 44 bytes, expected 48");
  expect(with(18, 1), "Word 18 of an instruction stream is 0x1, expected nothing");
  expect(with(647, 0x20100), "Word 644 of an instruction stream waits for tokens of more than one channel");
  expect(cut(647), "operation at word 644 of an instruction stream is cut short");
}

TEST(Txn, NeverReadsBeyondADamagedStream) {
  std::mt19937 random(1);
  const std::vector<uint32_t> good = stream_that_ran();
  for (int i = 0; i < 20000; ++i) {
    std::vector<uint32_t> words(good.begin(), good.begin() + 4 + random() % (good.size() - 3));
    for (int flips = random() % 4; flips > 0; --flips) words[4 + random() % (words.size() - 3) - 1] ^= 1u << random() % 32;
    words[3] = uint32_t(4 * words.size());
    std::vector<uint32_t> exact(words);  // no room behind it
    try {
      std::vector<Operation> operations = decode(exact);
      EXPECT_EQ(operations.size(), exact[2]);
    } catch (const Error&) {
    }
  }
}

TEST(ShimDescriptor, IsReadAsItWasWritten) {
  std::vector<Operation> stream;
  start(stream, {.port = {{1, 0}, Direction::mm2s, 1}, .descriptor = 15, .argument = 3, .offset = 0x1234, .words = 0x12345678,
                 .size0 = 1023, .size1 = 5, .stride = {1, 1 << 20, 77}, .iterations = 64, .iteration_stride = 9, .repeats = 256});
  const auto& block = std::get<BlockWrite>(stream[0]);
  EXPECT_EQ(block.reg, register_of({1, 0}, 0x1d1e0));
  Descriptor d = read_descriptor(std::span<const uint32_t, 8>(block.words));
  EXPECT_EQ(d.address, 0x1234u);
  EXPECT_EQ(d.words, 0x12345678u);
  EXPECT_EQ(d.size0, 1023u);
  EXPECT_EQ(d.size1, 5u);
  EXPECT_EQ(d.stride, (std::array<uint32_t, 3>{1, 1 << 20, 77}));
  EXPECT_EQ(d.iterations, 64u);
  EXPECT_EQ(d.iteration_stride, 9u);
  EXPECT_TRUE(d.valid && d.plain);
  EXPECT_EQ(stream[2], Operation(Write{register_of({1, 0}, 0x1d21c), 255u << 16 | 15}));
}

TEST(ShimDescriptor, RefusesWhatItsFieldsCannotSay) {
  std::vector<Operation> stream;
  for (Transfer t : {Transfer{.words = 1, .size0 = 1024}, Transfer{.words = 1, .stride = {1, (1 << 20) + 1, 1}},
                     Transfer{.words = 1, .iterations = 65}, Transfer{.words = 1, .repeats = 257},
                     Transfer{.descriptor = 16}})
    EXPECT_THROW(start(stream, t), InternalError);
}

TEST(GemmStream, GrowsOnlyWithTheRows) {
  GemmDesign design = make_gemm_design(kW4A8);
  size_t two = gemm_stream(design, {512, 512, 128}).size();
  EXPECT_EQ(gemm_stream(design, {512, 18944, 3584}).size(), two);
  // 3 transfers of 4 columns, one of them with a token; then the token.
  EXPECT_EQ(gemm_stream(design, {768, 512, 128}).size() - two, 4 * (3 * (12 + 12 + 6) + 7 + 4));
}

TEST(GemmStream, NeverQueuesMoreThanAChannelHolds) {
  std::vector<Operation> stream = decode(gemm_stream(make_gemm_design(kW4A8), {256 * 9, 1024, 256}));
  int running = 0;
  for (const Operation& operation : stream) {
    if (auto* write = std::get_if<Write>(&operation); write && (write->value & kTaskToken)) ++running;
    if (std::holds_alternative<TokenWait>(operation)) --running;
    EXPECT_LE(running, 2 * kColumns);
  }
  EXPECT_EQ(running, 0);
}

TEST(GemmStream, RefusesWhatDoesNotFit) {
  GemmDesign design = make_gemm_design(kW4A8);
  auto expect = [&](GemmShape shape, const char* sentence) {
    EXPECT_THAT([&] { gemm_stream(design, shape); }, testing::ThrowsMessage<Error>(testing::HasSubstr(sentence)));
  };
  expect({100, 512, 128}, "M = 100 does not fill the NPU's blocks of 256; pad it to 256");
  expect({256, 513, 128}, "N = 513 does not fill the NPU's blocks of 512; pad it to 1024");
  expect({256, 512, 64}, "K = 64 does not fill the NPU's blocks of 128; pad it to 128");
  expect({256, 512, 131'072}, "K = 131072 may overflow its sums of 32 bits; cut it at 130944");
  expect({256, 512, 0}, "K = 0");
  expect({256, 512 * 257, 128}, "N = 131584 is too large for one run of the NPU; cut it to 131072");
  expect({65536, 131072, 128}, "goes beyond 4 GB");
}

}  // namespace
}  // namespace troika::npu::txn
