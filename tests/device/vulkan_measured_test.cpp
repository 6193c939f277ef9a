// A device that measures: what it keeps, that it computes the same bits, and that it cuts a step again that was too long.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "device/kept_variable.h"
#include "device/tape.h"
#include "device/vulkan/context.h"
#include "device/vulkan/kept_file.h"
#include "device/vulkan/vulkan_device.h"
#include "device/vulkan_here.h"
#include "files/scratch.h"

namespace troika::device::vulkan {
namespace {

namespace fs = std::filesystem;

class VulkanMeasuredHere : public OnVulkan {
 protected:
  void SetUp() override {
    OnVulkan::SetUp();
    if (IsSkipped()) return;
    if (!Context::open()->keeps_time()) GTEST_SKIP() << "this GPU keeps no time";
    ::setenv("XDG_CACHE_HOME", folder_.path().c_str(), 1);
    file_ = kept_file(Context::open()->caps(), "measured");
  }
  static std::unique_ptr<Device> device(bool tune) {
    return vulkan::make({.tune = tune}, Results::in_place, Tuned::software_too);
  }
  std::string kept() const { return read_kept(file_, hash_of_shaders()); }

  const Kept cache_{"XDG_CACHE_HOME"};
  const files::Scratch folder_;
  fs::path file_;
};

// Two products that follow each other.
Tape tape_of(int rows, int width) {
  Tape tape;
  ops::Builder b(rows, 1);
  const ops::Tensor x = b.embed("x", 4, width);
  tape.program = b.finish(b.pick_rows(b.linear(b.linear(x, "first", width), "second", width)));
  tape.first_op = 1;
  tape.inputs = ops::StepInputs(rows, 1, 1, 4);
  tape.inputs.tokens = rows;
  tape.inputs.outputs = 1;
  for (int t = 0; t < rows; ++t) tape.inputs.place(t, 0, t, 0);
  tape.fill_weights(Format::q4_0, 3);
  tape.fill_inputs(5);
  return tape;
}

TEST_F(VulkanMeasuredHere, GivesTheSameBitsWhateverTheFileSays) {
  const Tape tape = tape_of(33, 64);
  const Outcome want = run_on(*device(false), tape, Format::f32);
  EXPECT_FALSE(fs::exists(file_)) << "nothing is measured unless it is asked for";
  EXPECT_TRUE(same_bits(run_on(*device(true), tape, Format::f32).arena, want.arena));
  const std::string whole = kept();
  EXPECT_EQ(whole.substr(0, 12), "q4_0 64x64 i");
  EXPECT_TRUE(same_bits(run_on(*device(true), tape, Format::f32).arena, want.arena)) << "from the file";
  EXPECT_EQ(kept(), whole) << "nothing is measured again";
  for (const std::string& content : {std::string("nonsense"), whole.substr(0, whole.find('=') + 2) + "no such kernel\n"}) {
    write_kept(file_, hash_of_shaders(), content);
    EXPECT_TRUE(same_bits(run_on(*device(true), tape, Format::f32).arena, want.arena)) << content;
    EXPECT_EQ(kept().substr(0, 12), whole.substr(0, 12)) << "measured again";
  }
  std::ofstream(file_, std::ios::binary) << "damaged";
  EXPECT_TRUE(same_bits(run_on(*device(true), tape, Format::f32).arena, want.arena));
}

TEST_F(VulkanMeasuredHere, CutsAStepAgainThatWasTooLong) {
  if (Context::open()->caps().kind != GpuKind::software) GTEST_SKIP() << "what is too long for software is short for this GPU";
  write_kept(file_, hash_of_shaders(), "work per second = 1e+18\n");
  const auto gpu = device(true);
  const Tape tape = tape_of(128, 2048);
  const Loaded loaded = load_on(*gpu, tape, Format::f32);
  const auto step = gpu->compile(loaded.segment(tape));
  const auto run = [&] {
    step->submit();
    step->wait();
    return read_back(tape, loaded).arena;
  };
  const std::vector<float> first = run();
  EXPECT_EQ(recorded(*step).submissions, 1);
  EXPECT_TRUE(same_bits(run(), first));
  EXPECT_GT(recorded(*step).submissions, 1);
}

}  // namespace
}  // namespace troika::device::vulkan
