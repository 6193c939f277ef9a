// What keeps an NPU from being used, found in the kernel's files alone; each line says what to do.
#include "npu/runtime/preflight.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <functional>

#include "npu/made_up_npu.h"

namespace troika::npu {
namespace {

namespace fs = std::filesystem;

TEST(Preflight, FindsNothingToDoWhereAllIsThere) {
  MadeUpNpu machine;
  const Preflight found = preflight(machine.root(), size_t{8} << 30);
  EXPECT_EQ(found.first_fault(), nullptr);
  EXPECT_EQ(found.node, "/dev/accel/accel0");
  std::string names;
  for (const Finding& finding : found.findings) names += finding.name + " ";
  EXPECT_EQ(names, "NPU driver firmware node IOMMU memlock ");
}

struct Case {
  const char *what, *finding, *says;
  std::function<void(const MadeUpNpu&)> spoil;
};

TEST(Preflight, SaysWhatIsAmissAndWhatToDo) {
  const Case cases[] = {
      {"no NPU", "NPU", "switched off", [](const MadeUpNpu& m) { fs::remove_all(m.pci()); }},
      {"the next generation", "NPU", "an XDNA 2 (1022:17f0)", [](const MadeUpNpu& m) { put(m.pci() / "device", "0x17f0"); }},
      {"no driver", "driver", "(Linux 6.14.0); type: sudo modprobe amdxdna",
       [](const MadeUpNpu& m) { fs::remove(m.pci() / "driver"); }},
      {"another driver", "driver", "the driver vfio-pci has the NPU",
       [](const MadeUpNpu& m) {
         fs::remove(m.pci() / "driver");
         fs::create_symlink("../vfio-pci", m.pci() / "driver");
       }},
      {"no firmware", "firmware", "install your distribution's newest linux-firmware",
       [](const MadeUpNpu& m) { fs::remove_all(m.pci() / "accel"); }},
      {"firmware that does not start", "firmware", "sudo dmesg | grep amdxdna",
       [](const MadeUpNpu& m) {
         fs::remove_all(m.pci() / "accel");
         put(m.root() / "lib/firmware/amdnpu/1502_00/npu.sbin", "");
       }},
      {"a node that stayed outside", "node", "--device /dev/accel/accel0",
       [](const MadeUpNpu& m) { fs::remove(m.root() / "dev/accel/accel0"); }},
      {"no IOMMU", "IOMMU", "without amd_iommu=off", [](const MadeUpNpu& m) { fs::remove(m.pci() / "iommu_group"); }},
      {"little memory to lock", "memlock", "8 MB may be locked, but the NPU needs 228 MB; type: echo '* - memlock unlimited'",
       [](const MadeUpNpu& m) { m.limit_locked_memory("8388608"); }},
  };
  for (const Case& c : cases) {
    MadeUpNpu machine;
    c.spoil(machine);
    const Preflight found = preflight(machine.root(), size_t{100} << 20);
    const Finding* fault = found.first_fault();
    ASSERT_NE(fault, nullptr) << c.what;
    EXPECT_EQ(fault->name, c.finding) << c.what;
    EXPECT_THAT(fault->text, ::testing::HasSubstr(c.says)) << c.what;
    EXPECT_THAT(fault->text, ::testing::Not(::testing::HasSubstr("\n"))) << c.what;
  }
}

TEST(Preflight, LetsWhoMayLockAllMemoryPass) {
  MadeUpNpu machine;
  machine.limit_locked_memory("8388608");
  put(machine.root() / "proc/self/status", "CapEff:\t0000000000004000");
  EXPECT_EQ(preflight(machine.root(), size_t{1} << 30).first_fault(), nullptr);
}

TEST(Preflight, SaysWhoMayNotReadAndWriteTheNode) {
  MadeUpNpu machine;
  const fs::path node = machine.root() / "dev/accel/accel0";
  fs::permissions(machine.root().parent_path(), fs::perms::all);
  fs::permissions(node, fs::perms::owner_all);
  const uid_t user = geteuid(), nobody = 65534;
  if (user == 0) {
    ASSERT_EQ(seteuid(nobody), 0);
  } else {
    fs::permissions(node, fs::perms::none);
  }
  const Preflight found = preflight(machine.root(), 0);
  ASSERT_EQ(seteuid(user), 0);
  const Finding* fault = found.first_fault();
  ASSERT_NE(fault, nullptr);
  EXPECT_THAT(fault->text, ::testing::HasSubstr("accel0 is not ours to read and write; type: sudo usermod -aG render"));
}

}  // namespace
}  // namespace troika::npu
