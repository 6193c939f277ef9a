// Designs as text for mlir-aie: all of a design is in it, once; and it is the text that golden files have. No aiecc has read
// it: what these tests keep is that nothing is lost on the way, and that no change goes unseen.
#include "npu/design/mlir.h"

#include <fstream>
#include <gmock/gmock.h>
#include <iterator>
#include <sstream>

#include "base/error.h"
#include "npu/design/gemm_design.h"
#include "npu/kernels/catalogue.h"
#include "npu/pass_design.h"

namespace troika::npu {
namespace {

using testing::HasSubstr;

std::string file(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

size_t count_of(std::string_view text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

// From `begin` to the next line that is only a closing brace at the depth of the device's members.
std::string_view part_of(std::string_view text, const std::string& begin) {
  size_t at = text.find(begin);
  if (at == text.npos) return "";
  return text.substr(at, text.find("\n    }", at) - at);
}

std::string place(Tile tile) { return fmt::format("{}_{}", tile.column, tile.row); }

// As the text should call it: dots are no part of a symbol.
std::string symbol(std::string name, Tile tile) {
  for (char& c : name)
    if (c == '.') c = '_';
  return name + "_" + place(tile);
}

class Mlir : public testing::TestWithParam<GemmTile> {
 protected:
  GemmDesign design_ = make_gemm_design(GetParam());
  const DesignSpec& spec_ = design_.spec;
  std::string text_ = to_mlir(spec_);

  const BufferSpec& buffer(int index) { return spec_.buffers[size_t(index)]; }
  std::string lock(const LockUse& use) {
    const LockSpec& l = spec_.locks[size_t(use.lock)];
    return "%lock_" + symbol(l.name, l.tile);
  }
};

// Tiles of other sizes make the same text with other numbers; one of each kind has a file.
TEST_P(Mlir, IsTheTextOfTheGoldenFile) {
  for (const GemmTile& other : {kBf16Wide, kW4A8Few, kW8A8Few})
    if (GetParam() == other) return;
  const std::string golden = file(TROIKA_SOURCE_DIR "/tests/npu/" + spec_.name + ".mlir");
  std::istringstream ours(text_), theirs(golden);
  std::string a, b;
  for (int number = 1; std::getline(ours, a) && std::getline(theirs, b); ++number)
    ASSERT_EQ(a, b) << "line " << number << "; if it is meant: npu_design text " << spec_.name << " > tests/npu/" << spec_.name
                    << ".mlir";
  EXPECT_EQ(text_.size(), golden.size());
}

TEST_P(Mlir, HasEachBufferAndLockOnce) {
  for (const BufferSpec& b : spec_.buffers) {
    const std::string name = symbol(b.name, b.tile);
    EXPECT_EQ(count_of(text_, fmt::format("%{} = aie.buffer(%tile_{}) {{address = {} : i32, sym_name = \"{}\"}} : "
                                          "memref<{}xi32>\n",
                                          name, place(b.tile), b.address, name, b.bytes / 4)),
              1u)
        << name;
  }
  for (const LockSpec& l : spec_.locks) {
    const std::string name = "lock_" + symbol(l.name, l.tile);
    EXPECT_EQ(count_of(text_, fmt::format("%{} = aie.lock(%tile_{}, {}) {{init = {} : i32, sym_name = \"{}\"}}\n", name,
                                          place(l.tile), l.number, l.initial, name)),
              1u)
        << name;
  }
  EXPECT_EQ(count_of(text_, "aie.buffer("), spec_.buffers.size());
  EXPECT_EQ(count_of(text_, "aie.lock("), spec_.locks.size());
}

TEST_P(Mlir, HasEachFlowOnce) {
  size_t flows = 0;
  for (const FlowSpec& flow : spec_.flows)
    for (const Port& to : flow.to) {
      ++flows;
      EXPECT_EQ(count_of(text_, fmt::format("aie.flow(%tile_{}, DMA : {}, %tile_{}, DMA : {})\n", place(flow.from.tile),
                                            flow.from.channel, place(to.tile), to.channel)),
                1u)
          << to_text(flow.from);
    }
  EXPECT_EQ(count_of(text_, "aie.flow("), flows);
  for (const ShimSpec& s : spec_.shims)
    EXPECT_EQ(count_of(text_, fmt::format("// {}: {}, argument {}\n", to_text(s.port), s.name, s.argument)), 1u) << s.name;
}

TEST_P(Mlir, HasEachDescriptorOnceWithItsLocksAndTheNext) {
  size_t descriptors = 0;
  for (const ChannelSpec& channel : spec_.channels) {
    const Tile tile = channel.port.tile;
    const char* dma = kind_of(tile) == TileKind::memory ? "memtile_dma" : "mem";
    const std::string_view part = part_of(text_, fmt::format("aie.{}(%tile_{}) {{", dma, place(tile)));
    const bool fills = channel.port.direction == Direction::s2mm;
    const std::string label = fmt::format("^{}{}_", fills ? "s2mm" : "mm2s", channel.port.channel);
    const std::string start = fmt::format("aie.dma_start({}, {}, {}{}, ^", fills ? "S2MM" : "MM2S", channel.port.channel,
                                          label, channel.descriptors[0].number);
    EXPECT_EQ(count_of(part, start), 1u)
        << to_text(channel.port);
    for (const DescriptorSpec& d : channel.descriptors) {
      ++descriptors;
      const BufferSpec& b = buffer(d.buffer);
      const std::string block = fmt::format(
          "\n    {0}{1}:\n      aie.use_lock({2}, AcquireGreaterEqual, {3})\n      aie.dma_bd(%{4} : memref<{5}xi32>, {6}, "
          "{7}) {{bd_id = {1} : i32}}\n      aie.use_lock({8}, Release, {9})\n      aie.next_bd {0}{10}\n",
          label, d.number, lock(*d.acquire), d.acquire->value, symbol(b.name, b.tile), b.bytes / 4, d.offset / 4, d.words,
          lock(*d.release), d.release->value, *d.next);
      EXPECT_EQ(count_of(part, block), 1u) << block;
    }
  }
  EXPECT_EQ(count_of(text_, "aie.dma_bd("), descriptors);
  EXPECT_EQ(count_of(text_, "aie.dma_start("), spec_.channels.size());
}

TEST_P(Mlir, HasEachCoreOnceWithTheStepsOfItsProgramInOrder) {
  for (const CoreSpec& core : spec_.cores) {
    ASSERT_EQ(count_of(text_, fmt::format("aie.core(%tile_{}) {{\n", place(core.tile))), 1u);
    const std::string_view part = part_of(text_, fmt::format("aie.core(%tile_{}) {{\n", place(core.tile)));
    EXPECT_THAT(text_.substr(size_t(part.data() - text_.data()) + part.size(), 64),
                testing::StartsWith(fmt::format("\n    }} {{stack_size = {} : i32}}\n", core.stack_bytes)));
    size_t at = part.find("scf.for %round");
    auto follows = [&](const std::string& line) {
      size_t found = part.find(line, at);
      EXPECT_NE(found, part.npos) << line << " is missing in " << to_text(core.tile);
      if (found != part.npos) at = found + line.size();
    };
    size_t loops = 1;
    for (const CoreStep& step : core.program) switch (step.kind) {
        case CoreStep::Kind::acquire:
          follows(fmt::format("aie.use_lock({}, AcquireGreaterEqual, {})\n", lock(step.lock), step.lock.value));
          break;
        case CoreStep::Kind::release:
          follows(fmt::format("aie.use_lock({}, Release, {})\n", lock(step.lock), step.lock.value));
          break;
        case CoreStep::Kind::call: {
          std::string names, types;
          for (int index : step.buffers) {
            names += (names.empty() ? "%" : ", %") + symbol(buffer(index).name, core.tile);
            types += fmt::format("{}memref<{}xi32>", types.empty() ? "" : ", ", buffer(index).bytes / 4);
          }
          follows(fmt::format("func.call @{}({}) : ({}) -> ()\n", step.kernel, names, types));
          EXPECT_EQ(count_of(text_, fmt::format("func.func private @{}({}) attributes {{link_with = \"{}.o\"}}\n", step.kernel,
                                                types, kernels::find(step.kernel)->source)),
                    1u);
          break;
        }
        case CoreStep::Kind::repeat:
          ++loops;
          follows(fmt::format(" = arith.constant {} : index\n", step.offset / 4));
          follows(fmt::format(" = memref.load %{}[", symbol(buffer(step.buffers[0]).name, core.tile)));
          follows("scf.for ");
          break;
        case CoreStep::Kind::end: follows("}\n"); break;
      }
    EXPECT_EQ(count_of(part, "scf.for "), loops);
    EXPECT_EQ(count_of(part, "aie.use_lock(") + count_of(part, "func.call ") + 2 * (loops - 1), core.program.size());
  }
  EXPECT_EQ(count_of(text_, "aie.core("), spec_.cores.size());
}

// mlir-aie may order the buffers of a core by size. What streams write must be where they write it all the same.
TEST_P(Mlir, LeavesTheParametersBehindTheLargerBuffersOfTheirCore) {
  for (int index : design_.parameters) {
    const BufferSpec& parameters = buffer(index);
    uint32_t end = spec_.cores[0].stack_bytes;
    for (const BufferSpec& b : spec_.buffers)
      if (b.tile == parameters.tile && b.name != parameters.name) {
        EXPECT_GT(b.bytes, parameters.bytes);
        EXPECT_EQ(b.bytes % kVectorBytes, 0u);
        end += b.bytes;
      }
    EXPECT_EQ(parameters.address, end);
  }
}

INSTANTIATE_TEST_SUITE_P(Designs, Mlir, testing::ValuesIn(kGemmTiles),
                         [](const auto& info) { return make_gemm_design(info.param).spec.name; });

// A walk of a descriptor, a fixed loop and a channel that stops: what products do not need.
TEST(MlirText, SaysWalksLoopsAndEnds) {
  DesignSpec d = sim::pass_design();
  d.channels[0].descriptors[1].walk = {{4, 1}, {8, 16}};
  d.channels[0].descriptors[1].offset = 128;
  d.channels[0].descriptors[1].next.reset();
  d.buffers.push_back({"C", {0, 2}, 2048, 64 * 64 * 4});
  using Kind = CoreStep::Kind;
  d.cores = {{{0, 2}, 2048, {{.kind = Kind::repeat, .trips = 7},
                             {.kind = Kind::call, .kernel = "zero_i32_64x64", .buffers = {2}},
                             {.kind = Kind::end}}}};
  const std::string text = to_mlir(d);
  EXPECT_THAT(text, HasSubstr("aie.dma_bd(%pong_0_1 : memref<256xi32>, 32, 256, [<size = 8, stride = 16>, "
                              "<size = 4, stride = 1>]) {bd_id = 1 : i32}"));
  EXPECT_THAT(text, HasSubstr("aie.next_bd ^end\n"));
  EXPECT_THAT(text, HasSubstr("%trips0 = arith.constant 7 : index\n        scf.for %i0 = %zero to %trips0 step %one {\n"
                              "          func.call @zero_i32_64x64(%C_0_2) : (memref<4096xi32>) -> ()\n"));
  EXPECT_THAT(text, HasSubstr("aie.runtime_sequence @run(%argument0: memref<1xi32>, %argument1: memref<1xi32>) {\n"));
}

TEST(MlirText, RefusesWhatTheDialectCannotSay) {
  auto expect = [](auto change, const char* sentence) {
    DesignSpec d = make_gemm_design(kW8A8).spec;
    change(d);
    EXPECT_THAT([&] { to_mlir(d); }, testing::ThrowsMessage<Error>(HasSubstr(sentence)));
  };
  expect([](DesignSpec& d) { d.buffers[1].name = "A0_0"; },
         "buffer A0_0 on memory tile (0,1) is not the only one of that name");
  expect([](DesignSpec& d) { d.locks[1].name = d.locks[0].name; }, "is not the only one of that name; rename it.");
  expect([](DesignSpec& d) { d.buffers[0].bytes = 30; }, "buffer A0.0 on memory tile (0,1) has 30 bytes; make it whole words.");
  expect([](DesignSpec& d) { d.cores[5].program[3].buffers[0] = 0; },
         "zero_i32_64x64 is given (memref<4096xi32>) and (memref<2048xi32>); give it buffers of one size.");
  expect([](DesignSpec& d) { d.cores[0].program[3].kernel = "magic"; }, "gemm_w8a8 calls magic, which is no kernel of ours.");
}

TEST(MlirText, NamesObjectsWhoseSourcesDefineTheirKernels) {
  for (const kernels::Kernel& kernel : kernels::all())
    EXPECT_THAT(file(fmt::format(TROIKA_SOURCE_DIR "/npu/kernels/{}.cc", kernel.source)),
                HasSubstr(fmt::format("extern \"C\" void {}(", kernel.name)));
}

}  // namespace
}  // namespace troika::npu
