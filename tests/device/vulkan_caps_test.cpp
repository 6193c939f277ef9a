// What GPUs can do, from records (caps/): whether they will do, which one is taken, which memory is used. No GPU is asked.
#include "device/vulkan/caps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "device/kept_variable.h"
#include "device/vulkan/caps_record.h"
#include "device/vulkan/choice.h"

namespace troika::device::vulkan {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using Json = nlohmann::ordered_json;

Json record(const std::string& name) {
  std::ifstream file(TROIKA_SOURCE_DIR "/tests/device/caps/" + name + ".json");
  return Json::parse(file);
}
Caps gpu(const std::string& name) { return caps_of(record(name)); }

const char* const kRecorded[] = {"lavapipe-22.3", "h200", "radeon-780m"};

TEST(VulkanCaps, OfEveryRecordedGpuWillDo) {
  for (const char* name : kRecorded) EXPECT_EQ(why_not(gpu(name)), "") << name;
}

TEST(VulkanCaps, AreReadBackAsTheyWereRecorded) {
  for (const char* name : kRecorded) {
    const Json written = record_of(gpu(name)), file = record(name);
    for (const auto& [field, value] : written.items()) EXPECT_EQ(file.at(field), value) << name << ": " << field;
    EXPECT_EQ(caps_of(written), gpu(name));
  }
}

TEST(VulkanCaps, WrittenByHandSayOfEachFieldWhetherItIsKnown) {
  for (const char* name : {"h200", "radeon-780m"}) {
    const Json file = record(name), read = record_of(gpu(name));
    std::vector<std::string> said = file.at("known"), fields;
    for (const std::string field : file.at("assumed")) said.push_back(field);
    for (const auto& [field, value] : read.items()) fields.push_back(field);
    EXPECT_THAT(said, testing::UnorderedElementsAreArray(fields)) << name;
  }
}

TEST(VulkanCaps, OfARecordThatLacksAFieldNameIt) {
  Json cut = record("h200");
  cut.erase("push_bytes");
  try {
    caps_of(cut);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("push_bytes"));
  }
  Json odd = record("h200");
  odd["kind"] = "abacus";
  EXPECT_THROW(caps_of(odd), Error);
}

TEST(VulkanCaps, SayWhatIsLackingWhateverItIs) {
  struct Mask {
    std::function<void(Caps&)> hide;
    const char* says;
  };
  const Mask masks[] = {
      {[](Caps& c) { c.api_version = (1u << 22) | (2u << 12); }, "Vulkan older than 1.3"},
      {[](Caps& c) { c.buffer_addresses = false; }, "addresses of buffers"},
      {[](Caps& c) { c.storage8 = false; }, "8-bit numbers"},
      {[](Caps& c) { c.int8 = false; }, "8-bit numbers"},
      {[](Caps& c) { c.storage16 = false; }, "16-bit numbers"},
      {[](Caps& c) { c.int16 = false; }, "16-bit numbers"},
      {[](Caps& c) { c.int64 = false; }, "64-bit numbers"},
      {[](Caps& c) { c.scalar_layout = false; }, "scalar layout"},
      {[](Caps& c) { c.subgroup_arithmetic = false; }, "sums over subgroups"},
      {[](Caps& c) { c.least_subgroup_size = 2; }, "subgroups of at least 4 lanes"},
      {[](Caps& c) { c.shared_bytes = (28 << 10) - 1; }, "shared memory"},
      {[](Caps& c) { c.push_bytes = 127; }, "push constants"},
      {[](Caps& c) { c.workgroup_size = 511; }, "workgroups of 512"},
      {[](Caps& c) { c.memory.clear(); }, "memory that the host writes to"},
      {[](Caps& c) { for (MemoryType& type : c.memory) type.host_visible = false; }, "memory that the host writes to"},
      {[](Caps& c) { for (MemoryType& type : c.memory) type.host_coherent = false; }, "memory that the host writes to"},
  };
  for (const char* name : kRecorded) {
    for (const Mask& mask : masks) {
      Caps caps = gpu(name);
      mask.hide(caps);
      EXPECT_THAT(why_not(caps), HasSubstr(mask.says)) << name;
      EXPECT_EQ(choose({caps}, "").number, -1);
    }
  }
}

TEST(VulkanCaps, SayWhereWorkIsKnownToStartInOrder) {
  EXPECT_TRUE(starts_in_order(gpu("h200")));
  EXPECT_FALSE(starts_in_order(gpu("radeon-780m"))) << "nobody has tried";
  EXPECT_FALSE(starts_in_order(gpu("lavapipe-22.3")));
}

TEST(VulkanChoice, IsSwitchedByOneAndZeroOnly) {
  constexpr const char* kVariable = "TROIKA_VULKAN_CHAINS";
  const Kept kept(kVariable);
  const auto when = [&](const char* value) {
    ::setenv(kVariable, value, 1);
    return switched(kVariable);
  };
  EXPECT_EQ(when(""), std::nullopt);
  EXPECT_EQ(when("1"), true);
  EXPECT_EQ(when("0"), false);
  try {
    when("yes");
    FAIL() << "taken";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "TROIKA_VULKAN_CHAINS=yes: it is 1 or 0");
  }
  ::unsetenv(kVariable);
  EXPECT_EQ(switched(kVariable), std::nullopt);
}

TEST(VulkanMemory, IsTheGpusOwnForWhatItReadsAndCachedForWhatTheHostReads) {
  struct Types { int written, read_back; };
  for (auto [name, types] : {std::pair{"lavapipe-22.3", Types{0, 0}}, {"h200", Types{4, 3}}, {"radeon-780m", Types{2, 3}}}) {
    EXPECT_EQ(memory_type(gpu(name), ~0u, false), types.written) << name;
    EXPECT_EQ(memory_type(gpu(name), ~0u, true), types.read_back) << name;
  }
}

TEST(VulkanMemory, IsOfATypeThatTheBufferAllows) {
  EXPECT_EQ(memory_type(gpu("h200"), 0b01100, false), 2);  // as where the host sees no memory of the GPU's own
  EXPECT_EQ(memory_type(gpu("h200"), 0b10000, true), 4);
  EXPECT_EQ(memory_type(gpu("h200"), 0b00011, false), -1);
  EXPECT_EQ(memory_type(gpu("radeon-780m"), 0b1010, false), 1);
}

TEST(VulkanChoice, IsTheIntegratedGpuThenTheOneWithMostMemoryThenSoftware) {
  const Caps lavapipe = gpu("lavapipe-22.3"), h200 = gpu("h200"), radeon = gpu("radeon-780m");
  Choice all = choose({lavapipe, h200, radeon}, "");
  EXPECT_EQ(all.number, 2);
  EXPECT_THAT(all.why, HasSubstr("integrated"));
  EXPECT_THAT(all.others, ElementsAre(HasSubstr("software"), HasSubstr("integrated GPUs come first"), ""));

  Caps small = h200;
  for (MemoryType& type : small.memory) type.heap_bytes /= 2;
  Choice large = choose({small, h200, lavapipe}, "");
  EXPECT_EQ(large.number, 1);
  EXPECT_THAT(large.why, HasSubstr("most memory"));
  EXPECT_THAT(large.others, ElementsAre(HasSubstr("less memory"), "", HasSubstr("software")));

  Choice only = choose({lavapipe}, "");
  EXPECT_EQ(only.number, 0);
  EXPECT_THAT(only.why, HasSubstr("the only one"));
  EXPECT_EQ(choose({h200, h200}, "").number, 0);
}

TEST(VulkanChoice, PassesOverWhatWillNotDoAndSaysWhy) {
  Caps old = gpu("radeon-780m");
  old.api_version = (1u << 22) | (2u << 12);
  Choice choice = choose({old, gpu("lavapipe-22.3")}, "");
  EXPECT_EQ(choice.number, 1);
  EXPECT_THAT(choice.others, ElementsAre(HasSubstr("older than 1.3"), ""));
  Choice none = choose({old}, "");
  EXPECT_EQ(none.number, -1);
  EXPECT_THAT(none.why, AllOf(HasSubstr(old.name), HasSubstr("older than 1.3")));
}

TEST(VulkanChoice, IsTheUsersByNumberOrByAPartOfTheName) {
  Caps old = gpu("h200");
  old.name = "Old One";
  old.int64 = false;
  const std::vector<Caps> gpus = {gpu("radeon-780m"), gpu("lavapipe-22.3"), old};
  for (const char* wanted : {"1", "llvm", "LLVMpipe"}) {
    Choice choice = choose(gpus, wanted);
    EXPECT_EQ(choice.number, 1) << wanted;
    EXPECT_THAT(choice.why, HasSubstr(wanted));
    EXPECT_THAT(choice.others, ElementsAre(HasSubstr("names another"), "", HasSubstr("64-bit")));
  }
  for (const char* wanted : {"3", "-1", "1x", "GeForce"}) {
    Choice choice = choose(gpus, wanted);
    EXPECT_EQ(choice.number, -1) << wanted;
    EXPECT_THAT(choice.why, AllOf(HasSubstr("no such GPU"), HasSubstr("0 (AMD Radeon 780M"), HasSubstr("2 (Old One)")));
  }
  Choice incapable = choose(gpus, "old");
  EXPECT_EQ(incapable.number, -1);
  EXPECT_THAT(incapable.why, AllOf(HasSubstr("Old One"), HasSubstr("64-bit numbers")));
}

TEST(VulkanChoice, NamesTheCureWhereThereIsNoGpu) {
  Choice none = choose({}, "");
  EXPECT_EQ(none.number, -1);
  EXPECT_THAT(none.why, HasSubstr("apt-get install mesa-vulkan-drivers"));
}

}  // namespace
}  // namespace troika::device::vulkan
