// Each thing that can go wrong on the array, made to go wrong: the simulator names it.
#include <gmock/gmock.h>

#include "npu/design/gemm_design.h"
#include "npu/pass_design.h"
#include "npu/sim/simulator.h"
#include "npu/txn/gemm_stream.h"

namespace troika::npu::sim {
namespace {

using txn::Operation;

struct Expected {
  FaultKind kind;
  const char* sentence;  // a part of it
};

void expect_fault(Simulator& simulator, const std::vector<Operation>& operations, std::vector<HostBuffer*> arguments,
                  Expected expected) {
  try {
    simulator.run(txn::encode(operations), arguments);
    ADD_FAILURE() << "no fault: " << expected.sentence;
  } catch (const Fault& fault) {
    EXPECT_EQ(fault.kind, expected.kind) << fault.what();
    EXPECT_THAT(fault.what(), testing::HasSubstr(expected.sentence));
  }
}

void expect_pass_fault(const std::vector<Operation>& operations, Expected expected, const DesignSpec& design = pass_design(),
                       const Options& options = {}) {
  Simulator simulator(design, options);
  PassBuffers buffers(1024);
  expect_fault(simulator, operations, buffers.arguments(), expected);
}

std::vector<Operation> good() { return pass_operations({.words = 1024}, {.words = 1024}); }

template <typename Kind>
std::vector<Operation> good_without() {
  std::vector<Operation> operations = good();
  std::erase_if(operations, [](const Operation& operation) { return std::holds_alternative<Kind>(operation); });
  return operations;
}

// A product of one block, with zeros for arguments.
struct Product {
  GemmDesign design = make_gemm_design(kW4A8);
  GemmShape shape{256, 512, 256};
  HostBuffer x{packed_x_bytes(kW4A8, shape)}, w{packed_w_bytes(kW4A8, shape)}, y{packed_y_bytes(kW4A8, shape)};

  std::vector<Operation> operations() { return txn::decode(txn::gemm_stream(design, shape)); }
  void expect(const std::vector<Operation>& operations, Expected expected, const Options& options = {}) {
    Simulator simulator(design.spec, options);
    expect_fault(simulator, operations, {&x, &w, &y}, expected);
  }
  CoreSpec& core() { return design.spec.cores[0]; }
  int lock(std::string_view name, Tile tile) {
    for (size_t i = 0; i < design.spec.locks.size(); ++i)
      if (design.spec.locks[i].name == name && design.spec.locks[i].tile == tile) return int(i);
    return -1;
  }
};

TEST(Faults, AnArrayThatWaitsForItselfIsADeadlock) {
  Product product;
  product.design.spec.locks[size_t(product.lock("C.free", {0, 2}))].initial = 0;
  product.expect(product.operations(),
                 {FaultKind::deadlock, "core (0,2) waits for lock C.free, which is 0 and should be 1"});
}

TEST(Faults, ADeadlockTellsWhatTheStreamWaitsForAndAllLocks) {
  expect_pass_fault(pass_operations({.words = 512}, {.words = 1024}),
                    {FaultKind::deadlock, "the stream waits for a token of S2MM 0 of shim tile (0,0); S2MM 0 of shim tile (0,0) "
                                          "waits for words of its stream"});
  expect_pass_fault(pass_operations({.words = 512}, {.words = 1024}),
                    {FaultKind::deadlock, "Locks: free of memory tile (0,1) = 1, full of memory tile (0,1) = 0."});
}

TEST(Faults, ATransferThatOutlastsItsStreamIsLeftOver) {
  expect_pass_fault(pass_operations({.words = 1024, .repeats = 2}, {.words = 1024}),
                    {FaultKind::left_over, "MM2S 0 of shim tile (0,0) is not: it waits for room in its stream"});
  expect_pass_fault(pass_operations({.words = 1024}, {.words = 512}),
                    {FaultKind::left_over, "32 words from MM2S 0 of memory tile (0,1) were taken by nobody"});
}

TEST(Faults, ARunThatTakesTooLongTimesOut) {
  Options options;
  options.calibration.time_out_ms = 0.001;
  expect_pass_fault(good(), {FaultKind::time_out, "takes more than 0.001 ms"}, pass_design(), options);
}

TEST(Faults, AFifthTaskOverflowsAQueue) {
  std::vector<Operation> operations;
  for (int i = 0; i < 5; ++i) txn::start(operations, {.port = kPassIn, .descriptor = i, .words = 256});
  expect_pass_fault(operations, {FaultKind::queue_overflow, "more than the 4 that MM2S 0 of shim tile (0,0) holds"});
  operations.resize(operations.size() - 3);  // four are held; nobody takes their words
  expect_pass_fault(operations, {FaultKind::left_over, "is not"});
}

TEST(Faults, ADescriptorIsBusyUntilItsTaskIsDone) {
  std::vector<Operation> operations;
  txn::start(operations, {.port = kPassIn, .words = 256});
  txn::start(operations, {.port = kPassIn, .offset = 1024, .words = 256});
  expect_pass_fault(operations, {FaultKind::busy_descriptor, "descriptor 0 of shim tile (0,0) while MM2S 0"});
}

TEST(Faults, ADescriptorThatWasNeverWrittenDoesNotStart) {
  std::vector<Operation> operations = good();
  operations.push_back(txn::Write{txn::register_of({0, 0}, txn::queue_of(kPassIn)), 9});
  expect_pass_fault(operations, {FaultKind::bad_descriptor, "MM2S 0 of shim tile (0,0) starts descriptor 9, which is not valid"});
}

TEST(Faults, ADescriptorWithLocksOrWithoutWordsDoesNotStart) {
  auto with = [](size_t word, uint32_t value) {
    std::vector<Operation> operations = good();
    std::get<txn::BlockWrite>(operations[0]).words[word] = value;
    return operations;
  };
  expect_pass_fault(with(7, 1u << 25 | 1u << 12), {FaultKind::bad_descriptor, "has locks, packets or a chain"});
  expect_pass_fault(with(0, 0), {FaultKind::bad_descriptor, "moves nothing"});
}

TEST(Faults, RegistersThatADesignDoesNotHaveAreNotWritten) {
  auto expect = [](const Operation& operation, const char* sentence) {
    expect_pass_fault({operation}, {FaultKind::bad_register, sentence});
  };
  expect(txn::Write{txn::register_of({0, 0}, 0x1d300), 1}, "0x1d300 of shim tile (0,0)");
  expect(txn::Write{txn::register_of({0, 0}, 0x10), 1}, "0x10 of shim tile (0,0)");
  expect(txn::Write{txn::register_of({1, 0}, 0x1d000), 1}, "0x1d000 of shim tile (1,0)");
  expect(txn::Write{txn::register_of({0, 1}, 0), 1}, "0x0 of memory tile (0,1)");
  expect(txn::Write{txn::register_of({0, 2}, 0), 1}, "0x0 of core (0,2)");
  expect(txn::Write{txn::register_of({0, 0}, 0x1d002), 1}, "0x1d002 of shim tile (0,0)");
  expect(txn::Write{txn::register_of({9, 2}, 0), 1}, "0x0 of core (9,2)");
  expect(txn::MaskedWrite{txn::register_of({0, 0}, 0x1d218), 1, 1}, "0x1d218 of shim tile (0,0)");
  expect(txn::TokenWait{{{0, 0}, Direction::s2mm, 1}}, "waits for S2MM 1 of shim tile (0,0)");
}

TEST(Faults, ATokenWithoutARouteIsLost) {
  expect_pass_fault(good_without<txn::MaskedWrite>(), {FaultKind::lost_token, "asks S2MM 0 of shim tile (0,0) for a token"});
}

TEST(Faults, ALockThatCountsTooFarOverflows) {
  DesignSpec design = pass_design();
  design.locks[0].initial = 63;
  design.channels[1].descriptors[0].release->value = 3;
  expect_pass_fault(good(), {FaultKind::lock_overflow, "MM2S 0 of memory tile (0,1) brings lock free"}, design);
}

TEST(Faults, TransfersStayWithinTheirArguments) {
  expect_pass_fault(pass_operations({.offset = 4, .words = 1024}, {.words = 1024}),
                    {FaultKind::out_of_bounds, "MM2S 0 of shim tile (0,0) goes to bytes 4 to 4100 of argument 0, which has 4096"});
  expect_pass_fault(pass_operations({.words = 1024}, {.offset = 4096, .words = 1024}),
                    {FaultKind::out_of_bounds, "S2MM 0 of shim tile (0,0) goes to bytes 4096 to 8192 of argument 1"});
  expect_pass_fault(good_without<txn::AddressPatch>(), {FaultKind::out_of_bounds, "is the address patched in?"});
  expect_pass_fault({txn::AddressPatch{txn::register_of({0, 0}, 0x1d004), 2, 0}},
                    {FaultKind::out_of_bounds, "The stream names argument 2, but the run was given 2"});
}

TEST(Faults, AKernelThatWritesBesideItsBuffersIsFound) {
  static const kernels::Kernel* real = kernels::find("zero_i32_64x128");
  static const kernels::Kernel wild{real->name, real->source, real->arguments, 0, 0, [](std::span<std::byte* const> buffers) {
                                      buffers[0][real->arguments[0].bytes + 3] = std::byte{1};
                                    }};
  Options options;
  options.find_kernel = [](std::string_view name) { return name == real->name ? &wild : kernels::find(name); };
  Product product;
  product.expect(product.operations(), {FaultKind::overrun, "wrote byte 51715 of its memory"}, options);
}

TEST(Faults, ABufferThatIsReadWhileItMayBeFilledIsARace) {
  Product product;  // the second product of a pair takes the first one's A, which is free already
  std::vector<CoreStep*> calls;
  for (CoreStep& step : product.core().program)
    if (step.kernel.starts_with("mm_")) calls.push_back(&step);
  ASSERT_EQ(calls.size(), 2u);
  calls[1]->buffers[0] = calls[0]->buffers[0];
  product.expect(product.operations(), {FaultKind::race, "of buffer A.0 of core (0,2)"});
}

TEST(Faults, ParametersThatComeAfterTheirLockAreARace) {
  Product product;
  std::vector<Operation> operations = product.operations();
  std::swap(operations[0], operations[1]);
  product.expect(operations, {FaultKind::race, "the stream"});
}

TEST(Faults, ReadingAResultBeforeItsTokenIsARace) {
  std::vector<Operation> operations = good();
  operations.pop_back();  // the wait
  txn::start(operations, {.port = kPassIn, .descriptor = 2, .argument = 1, .words = 1024});
  expect_pass_fault(operations, {FaultKind::race, "MM2S 0 of shim tile (0,0) reads bytes 0 to 4096 of argument 1, which S2MM 0 "
                                                  "of shim tile (0,0) writes, and nothing orders the two"});
}

TEST(Faults, WhatTheHostWroteMustBeSynchronised) {
  Simulator simulator(pass_design());
  PassBuffers buffers(1024);
  buffers.in().host()[2049] = std::byte{0x77};
  expect_fault(simulator, good(), buffers.arguments(),
               {FaultKind::not_synchronised, "byte 2049 of a buffer, where the host wrote 0x77"});
}

TEST(Faults, WhatWasNotFetchedIsNotSeen) {
  HostBuffer buffer(4);
  const std::byte value[] = {std::byte{5}};
  buffer.write(1, value);
  EXPECT_EQ(buffer.host()[1], std::byte{0});
  buffer.from_device(0, 4);
  EXPECT_EQ(buffer.host()[1], std::byte{5});
}

TEST(Faults, EndTheArray) {
  Simulator simulator(pass_design());
  PassBuffers buffers(1024);
  EXPECT_THROW(simulator.run({}, buffers.arguments()), Error);  // not a stream: nothing was touched
  EXPECT_NO_THROW(simulator.run(txn::encode(good()), buffers.arguments()));
  expect_fault(simulator, pass_operations({.words = 512}, {.words = 1024}), buffers.arguments(), {FaultKind::deadlock, ""});
  EXPECT_THROW(simulator.run(txn::encode(good()), buffers.arguments()), InternalError);
}

}  // namespace
}  // namespace troika::npu::sim
