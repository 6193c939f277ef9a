// A small design that keeps all rules, and for each rule a change that breaks it, and only it.
#include "npu/design/check.h"

#include <functional>
#include <gmock/gmock.h>

#include "npu/design/gemm_design.h"

namespace troika::npu {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Tile kShim{1, 0}, kMemory{1, 1}, kCore{1, 2};

enum { kIn, kOut, kSums, kStage };                            // buffers
enum { kInFree, kInFull, kOutFull, kOutFree, kStageFree, kStageFull };  // locks

// Shim → memory tile → core, which clears its sums and sends what it got back to the shim.
DesignSpec small() {
  DesignSpec d;
  d.name = "small";
  d.buffers = {{"in", kCore, 2048, 1024}, {"out", kCore, 4096, 1024}, {"sums", kCore, 8192, 16384},
               {"stage", kMemory, 0, 1024}};
  d.locks = {{"in.free", kCore, 0, 1},  {"in.full", kCore, 1, 0},     {"out.full", kCore, 2, 0},
             {"out.free", kCore, 3, 1}, {"stage.free", kMemory, 0, 1}, {"stage.full", kMemory, 1, 0}};
  auto go_round = [](int number, int buffer, int acquire, int release) {
    return DescriptorSpec{number, buffer, 0, 256, {}, LockUse{acquire}, LockUse{release}, number};
  };
  d.channels = {{{kMemory, Direction::s2mm, 0}, {go_round(0, kStage, kStageFree, kStageFull)}},
                {{kMemory, Direction::mm2s, 1}, {go_round(24, kStage, kStageFull, kStageFree)}},
                {{kCore, Direction::s2mm, 0}, {go_round(0, kIn, kInFree, kInFull)}},
                {{kCore, Direction::mm2s, 0}, {go_round(1, kOut, kOutFull, kOutFree)}}};
  d.flows = {{{kShim, Direction::mm2s, 0}, {{kMemory, Direction::s2mm, 0}}},
             {{kMemory, Direction::mm2s, 1}, {{kCore, Direction::s2mm, 0}}},
             {{kCore, Direction::mm2s, 0}, {{kShim, Direction::s2mm, 0}}}};
  d.shims = {{"in", {kShim, Direction::mm2s, 0}, 0}, {"out", {kShim, Direction::s2mm, 0}, 1}};
  using Kind = CoreStep::Kind;
  d.cores = {{kCore, 2048,
              {{.kind = Kind::acquire, .lock = {kInFull}},
               {.kind = Kind::acquire, .lock = {kOutFree}},
               {.kind = Kind::repeat, .trips = 2},
               {.kind = Kind::call, .kernel = "zero_i32_64x64", .buffers = {kSums}},
               {.kind = Kind::end},
               {.kind = Kind::release, .lock = {kInFree}},
               {.kind = Kind::release, .lock = {kOutFull}}}}};
  return d;
}

struct Rule {
  const char* name;
  std::function<void(DesignSpec&)> breaks;
  const char* sentence;
};

void PrintTo(const Rule& rule, std::ostream* out) { *out << rule.name; }

class Check : public testing::TestWithParam<Rule> {};

TEST_P(Check, SaysInOneSentenceWhatIsBroken) {
  DesignSpec design = small();
  GetParam().breaks(design);
  EXPECT_THAT(violations(design), ElementsAre(HasSubstr(GetParam().sentence)));
}

const Rule kRules[] = {
    {"BufferOutsideTheArray", [](DesignSpec& d) { d.buffers.push_back({"far", {4, 2}, 0, 32}); },
     "buffer far on core (4,2) lies outside of the array of 4 columns and 6 rows"},
    {"EmptyBuffer", [](DesignSpec& d) { d.buffers.push_back({"none", kCore, 32768, 0}); },
     "buffer none on core (1,2) has no bytes"},
    {"CoreMemory", [](DesignSpec& d) { d.buffers.push_back({"big", kCore, 32768, 32800}); },
     "buffer big on core (1,2) ends at byte 65568, but that memory has 65536"},
    {"MemoryTile", [](DesignSpec& d) { d.buffers.push_back({"big", kMemory, 262144, 262176}); },
     "buffer big on memory tile (1,1) ends at byte 524320, but that memory has 524288"},
    {"Alignment", [](DesignSpec& d) { d.buffers[kStage].address = 16; },
     "buffer stage on memory tile (1,1) starts at byte 16, which is no multiple of 32"},
    {"Stack", [](DesignSpec& d) { d.cores[0].stack_bytes = 2049; },
     "buffer in on core (1,2) starts at byte 2048 in the stack of 2049 bytes"},
    {"Overlap", [](DesignSpec& d) { d.buffers[kIn].bytes = 2080; }, "buffer out on core (1,2) overlaps buffer in"},
    {"LockNumber", [](DesignSpec& d) { d.locks[kInFull].number = 16; },
     "lock in.full on core (1,2) is number 16, but there are 16"},
    {"LockValue", [](DesignSpec& d) { d.locks[kInFree].initial = 64; },
     "lock in.free on core (1,2) begins at 64, but locks count from 0 to 63"},
    {"LockTwice", [](DesignSpec& d) { d.locks[kInFull].number = 0; },
     "lock in.full on core (1,2) has the number 0 of lock in.free"},
    {"LockOutsideTheArray", [](DesignSpec& d) { d.locks.push_back({"far", {1, 6}, 0, 0}); },
     "lock far on core (1,6) lies outside of the array"},
    {"LockIsNeverReleased", [](DesignSpec& d) { d.cores[0].program[5].lock = {kOutFull}; },
     "lock in.free on core (1,2) is acquired, but nobody releases it"},
    {"LockIsNeverAcquired", [](DesignSpec& d) { d.channels[3].descriptors[0].acquire.reset(); },
     "lock out.full on core (1,2) is released, but nobody acquires it"},
    {"UnknownLock", [](DesignSpec& d) { d.cores[0].program.push_back({.kind = CoreStep::Kind::release, .lock = {9}}); },
     "core (1,2) names lock 9, which the design does not have"},
    {"LockOfAnotherTile",
     [](DesignSpec& d) { d.cores[0].program.push_back({.kind = CoreStep::Kind::release, .lock = {kStageFree}}); },
     "core (1,2) uses lock stage.free of memory tile (1,1)"},
    {"LockCount", [](DesignSpec& d) { d.channels[2].descriptors[0].release->value = 64; },
     "descriptor 0 of S2MM 0 of core (1,2) counts lock in.full by 64, but 1 to 63 can be said"},
    {"ChannelTwice", [](DesignSpec& d) { d.channels.push_back({{kCore, Direction::mm2s, 0}, {{.number = 5, .words = 1}}}); },
     "MM2S 0 of core (1,2) is described twice"},
    {"ChannelWithoutDescriptors",
     [](DesignSpec& d) {
       d.channels.push_back({{kCore, Direction::mm2s, 1}, {}});
       d.flows.push_back({{kCore, Direction::mm2s, 1}, {{kShim, Direction::s2mm, 1}}});
       d.shims.push_back({"more", {kShim, Direction::s2mm, 1}, 2});
     },
     "MM2S 1 of core (1,2) has no descriptors"},
    {"ChannelWithoutStream",
     [](DesignSpec& d) { d.channels.push_back({{kCore, Direction::mm2s, 1}, {{.number = 5, .words = 1}}}); },
     "MM2S 1 of core (1,2) is connected to no stream"},
    {"ChannelNumber", [](DesignSpec& d) { d.channels.push_back({{kCore, Direction::mm2s, 2}, {}}); },
     "MM2S 2 of core (1,2) does not exist: there are 2 channels each way"},
    {"DescriptorNumber",
     [](DesignSpec& d) { d.channels[3].descriptors[0].number = 16, d.channels[3].descriptors[0].next = 16; },
     "descriptor 16 of MM2S 0 of core (1,2) does not exist: there are 16"},
    {"DescriptorParity",
     [](DesignSpec& d) { d.channels[1].descriptors[0].number = 23, d.channels[1].descriptors[0].next = 23; },
     "descriptor 23 of MM2S 1 of memory tile (1,1) is out of reach: even channels have the lower 24, odd ones the upper"},
    {"DescriptorTwice", [](DesignSpec& d) { d.channels[3].descriptors[0].number = 0, d.channels[3].descriptors[0].next = 0; },
     "descriptor 0 of MM2S 0 of core (1,2) is also one of S2MM 0 of core (1,2)"},
    {"DescriptorChain", [](DesignSpec& d) { d.channels[3].descriptors[0].next = 0; },
     "descriptor 1 of MM2S 0 of core (1,2) goes on to descriptor 0, which is none of its channel"},
    {"NoWords", [](DesignSpec& d) { d.channels[3].descriptors[0].words = 0; },
     "descriptor 1 of MM2S 0 of core (1,2) moves nothing"},
    {"Length", [](DesignSpec& d) { d.buffers[kStage].bytes = 524288, d.channels[0].descriptors[0].words = 131072; },
     "descriptor 0 of S2MM 0 of memory tile (1,1) moves 131072 words, but its length has 17 bits"},
    {"WordAddress", [](DesignSpec& d) { d.channels[3].descriptors[0].offset = 2, d.channels[3].descriptors[0].words = 255; },
     "descriptor 1 of MM2S 0 of core (1,2) starts at byte 2, which is no multiple of 4"},
    {"Size", [](DesignSpec& d) { d.channels[3].descriptors[0].walk = {{256, 1}}; },
     "descriptor 1 of MM2S 0 of core (1,2) has a dimension of 256, but 8 bits are for it"},
    {"Stride",
     [](DesignSpec& d) { d.channels[3].descriptors[0].walk = {{1, 8193}}, d.channels[3].descriptors[0].words = 1; },
     "descriptor 1 of MM2S 0 of core (1,2) has a stride of 8193 words, but 13 bits are for one less"},
    {"Dimensions", [](DesignSpec& d) { d.channels[3].descriptors[0].walk = {{4, 1}, {4, 4}, {4, 16}, {4, 64}}; },
     "descriptor 1 of MM2S 0 of core (1,2) has 4 dimensions, but 3 are possible"},
    {"Product", [](DesignSpec& d) { d.channels[3].descriptors[0].walk = {{16, 1}, {15, 16}}; },
     "descriptor 1 of MM2S 0 of core (1,2) moves 256 words, but its dimensions make 240"},
    {"EndOfBuffer", [](DesignSpec& d) { d.channels[3].descriptors[0].walk = {{16, 1}, {16, 17}}; },
     "descriptor 1 of MM2S 0 of core (1,2) goes to byte 1084 of buffer out, which has 1024"},
    {"UnknownBuffer", [](DesignSpec& d) { d.channels[3].descriptors[0].buffer = 4; },
     "descriptor 1 of MM2S 0 of core (1,2) names buffer 4, which the design does not have"},
    {"BufferOfAnotherTile", [](DesignSpec& d) { d.channels[3].descriptors[0].buffer = kStage; },
     "descriptor 1 of MM2S 0 of core (1,2) reaches for buffer stage on memory tile (1,1)"},
    {"FlowTwice", [](DesignSpec& d) { d.flows[1].to.push_back(d.flows[1].to[0]); }, "S2MM 0 of core (1,2) has two streams"},
    {"FlowToNowhere",
     [](DesignSpec& d) {
       d.shims.push_back({"more", {kShim, Direction::mm2s, 1}, 2});
       d.flows.push_back({{kShim, Direction::mm2s, 1}, {}});
     },
     "the stream of MM2S 1 of shim tile (1,0) ends nowhere"},
    {"FlowThatNobodyDrives", [](DesignSpec& d) { d.flows[1].to.push_back({{2, 2}, Direction::s2mm, 0}); },
     "S2MM 0 of core (2,2) has a stream, but nothing drives it"},
    {"ShimElsewhere", [](DesignSpec& d) { d.shims.push_back({"inner", {kCore, Direction::mm2s, 0}, 0}); },
     "inner (MM2S 0 of core (1,2)) does not reach the host's memory"},
    {"Argument", [](DesignSpec& d) { d.shims[0].argument = 5; },
     "in (MM2S 0 of shim tile (1,0)) is argument 5, but a run has 5"},
    {"ShimWithoutStream", [](DesignSpec& d) { d.shims.push_back({"more", {kShim, Direction::mm2s, 1}, 0}); },
     "more (MM2S 1 of shim tile (1,0)) is connected to no stream"},
    {"ShimTwice", [](DesignSpec& d) { d.shims.push_back({"more", {kShim, Direction::mm2s, 0}, 0}); },
     "more (MM2S 0 of shim tile (1,0)) has the channel of in"},
    {"ShimName", [](DesignSpec& d) { d.shims[1].name = "in"; },
     "in (S2MM 0 of shim tile (1,0)) has the name of another channel"},
    {"ProgramElsewhere",
     [](DesignSpec& d) { d.cores.push_back({kMemory, 0, {{.kind = CoreStep::Kind::acquire, .lock = {kStageFull}}}}); },
     "memory tile (1,1) cannot run a program"},
    {"ProgramTwice", [](DesignSpec& d) { d.cores.push_back(d.cores[0]); }, "core (1,2) has two programs"},
    {"ProgramOutsideTheArray", [](DesignSpec& d) { d.cores.push_back({{0, 6}, 0, {}}); },
     "core (0,6) lies outside of the array"},
    {"LoopWithoutEnd", [](DesignSpec& d) { d.cores[0].program.push_back({.kind = CoreStep::Kind::repeat, .trips = 1}); },
     "the program of core (1,2) does not end 1 of its loops"},
    {"EndWithoutLoop", [](DesignSpec& d) { d.cores[0].program.push_back({.kind = CoreStep::Kind::end}); },
     "the program of core (1,2) ends a loop that it did not begin"},
    {"NoTrips", [](DesignSpec& d) { d.cores[0].program[2].trips = 0; }, "core (1,2) has a loop of no trips"},
    {"TripsOutsideTheBuffer",
     [](DesignSpec& d) { d.cores[0].program[2].buffers = {kIn}, d.cores[0].program[2].offset = 1024; },
     "core (1,2) reads its trips at byte 1024 of buffer in, which has 1024"},
    {"ProgramWithoutRest",
     [](DesignSpec& d) {
       d.cores.push_back({{2, 2}, 0, {{.kind = CoreStep::Kind::call, .kernel = "zero_i32_64x64", .buffers = {4}}}});
       d.buffers.push_back({"sums", {2, 2}, 0, 16384});
     },
     "the program of core (2,2) acquires no lock but where a loop may have no trips, so it may never rest"},
    {"RestOnlyWhereALoopMayHaveNoTrips",
     [](DesignSpec& d) {
       d.cores.push_back({{2, 2}, 0, {{.kind = CoreStep::Kind::repeat, .buffers = {int(d.buffers.size())}},
                                      {.kind = CoreStep::Kind::acquire, .lock = {int(d.locks.size()), 1}},
                                      {.kind = CoreStep::Kind::release, .lock = {int(d.locks.size()), 1}},
                                      {.kind = CoreStep::Kind::end}}});
       d.buffers.push_back({"parameters", {2, 2}, 0, 4});
       d.locks.push_back({"told", {2, 2}, 0, 1});
     },
     "the program of core (2,2) acquires no lock but where a loop may have no trips, so it may never rest"},
    {"UnknownKernel", [](DesignSpec& d) { d.cores[0].program[3].kernel = "magic"; },
     "core (1,2) calls magic, which is no kernel of ours"},
    {"KernelArguments", [](DesignSpec& d) { d.cores[0].program[3].buffers.push_back(kIn); },
     "core (1,2) calls zero_i32_64x64 with 2 buffers, but it takes 1"},
    {"KernelBuffer", [](DesignSpec& d) { d.buffers[kSums].bytes = 16352; },
     "core (1,2) gives zero_i32_64x64 the buffer sums of 16352 bytes, but it uses 16384"},
    {"KernelBufferOfAnotherTile",
     [](DesignSpec& d) { d.buffers[kSums].tile = {1, 3}; },
     "core (1,2) reaches for buffer sums on core (1,3)"},
    {"KernelUnknownBuffer", [](DesignSpec& d) { d.cores[0].program[3].buffers = {7}; },
     "core (1,2) names buffer 7, which the design does not have"},
};

INSTANTIATE_TEST_SUITE_P(Rules, Check, testing::ValuesIn(kRules),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(CheckDesigns, TellAStreamThatRunsBackwards) {
  DesignSpec design = small();
  std::swap(design.flows[1].from, design.flows[0].to[0]);
  EXPECT_THAT(violations(design), ElementsAre("MM2S 1 of memory tile (1,1) cannot receive words",
                                              "S2MM 0 of memory tile (1,1) cannot send words"));
}

TEST(CheckDesigns, LeaveShimTilesToInstructionStreams) {
  DesignSpec design = small();
  design.channels.push_back({{kShim, Direction::mm2s, 0}, {{.number = 0, .buffer = kIn, .words = 256}}});
  EXPECT_THAT(violations(design),
              ElementsAre("MM2S 0 of shim tile (1,0) is driven by instruction streams and has no program of its own",
                          "descriptor 0 of MM2S 0 of shim tile (1,0) reaches for buffer in on core (1,2)"));
}

TEST(CheckDesigns, HaveNoViolations) {
  EXPECT_THAT(violations(small()), IsEmpty());
  for (const GemmTile& tile : kGemmTiles) EXPECT_THAT(violations(make_gemm_design(tile).spec), IsEmpty());
}

}  // namespace
}  // namespace troika::npu
