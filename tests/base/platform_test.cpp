// What we make of a machine's own account of itself: trees of /sys and /proc as different machines show them, in the
// few files that we read.
#include "base/platform.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include <fstream>
#include <numeric>
#include <thread>

namespace troika::platform {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

using Threads = std::vector<int>;

Threads range(int first, int count) {
  Threads numbers(count);
  std::iota(numbers.begin(), numbers.end(), first);
  return numbers;
}

class Platform : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("troika-platform-" + std::to_string(::getpid()));
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text << '\n';
  }
  void core(int thread, const std::string& siblings, int package = 0, const char* name = "core_cpus_list") {
    std::string topology = "sys/devices/system/cpu/cpu" + std::to_string(thread) + "/topology/";
    write(topology + name, siblings);
    write(topology + "physical_package_id", std::to_string(package));
  }
  // Ryzen 7 7840U: 8 cores, 16 threads; the kernel numbers both threads of a core one after the other.
  void laptop() {
    write("sys/devices/system/cpu/online", "0-15");
    write("sys/devices/system/node/online", "0");
    write("sys/devices/system/node/node0/cpulist", "0-15");
    for (int i = 0; i < 16; ++i) core(i, std::to_string(i / 2 * 2) + "-" + std::to_string(i / 2 * 2 + 1));
  }
  // Two sockets of 4 cores with two threads each; second threads are numbered after all first ones.
  void server() {
    write("sys/devices/system/cpu/online", "0-15");
    write("sys/devices/system/node/online", "0-1");
    write("sys/devices/system/node/node0/cpulist", "0-3,8-11");
    write("sys/devices/system/node/node1/cpulist", "4-7,12-15");
    for (int i = 0; i < 16; ++i) core(i, std::to_string(i % 8) + "," + std::to_string(i % 8 + 8), i % 8 / 4);
  }

  fs::path root_;
};

TEST_F(Platform, CountsCoresNotTheirThreads) {
  laptop();
  Cores cores = find_cores(root_, range(0, 16));
  EXPECT_EQ(cores.usable, 8);
  EXPECT_THAT(cores.threads, ElementsAre(Threads{0, 1}, Threads{2, 3}, Threads{4, 5}, Threads{6, 7}, Threads{8, 9},
                                         Threads{10, 11}, Threads{12, 13}, Threads{14, 15}));
  EXPECT_FALSE(cores.restricted);
  EXPECT_EQ(cores.quota, 0);
  EXPECT_EQ(cores.numa_nodes, 1);
}

TEST_F(Platform, PutsTheCoresOfANodeTogether) {
  server();
  Cores cores = find_cores(root_, range(0, 16));
  EXPECT_THAT(cores.threads, ElementsAre(Threads{0, 8}, Threads{1, 9}, Threads{2, 10}, Threads{3, 11}, Threads{4, 12},
                                         Threads{5, 13}, Threads{6, 14}, Threads{7, 15}));
  EXPECT_EQ(cores.numa_nodes, 2);
  // The same machine with its sockets numbered in turn.
  write("sys/devices/system/node/node0/cpulist", "0,2,4,6,8,10,12,14");
  write("sys/devices/system/node/node1/cpulist", "1,3,5,7,9,11,13,15");
  EXPECT_THAT(find_cores(root_, range(0, 16)).threads,
              ElementsAre(Threads{0, 8}, Threads{2, 10}, Threads{4, 12}, Threads{6, 14}, Threads{1, 9}, Threads{3, 11},
                          Threads{5, 13}, Threads{7, 15}));
}

TEST_F(Platform, ReadsTheTopologyOfOlderKernels) {
  write("sys/devices/system/cpu/online", "0-3");
  for (int i = 0; i < 4; ++i) core(i, i % 2 ? "1,3" : "0,2", 0, "thread_siblings_list");
  EXPECT_THAT(find_cores(root_, range(0, 4)).threads, ElementsAre(Threads{0, 2}, Threads{1, 3}));
}

TEST_F(Platform, TakesEveryThreadForACoreWhereNothingSaysOtherwise) {
  Cores cores = find_cores(root_, Threads{2, 3, 7});
  EXPECT_THAT(cores.threads, ElementsAre(Threads{2}, Threads{3}, Threads{7}));
  EXPECT_TRUE(cores.restricted);  // whether the machine has others is not known
  EXPECT_EQ(find_cores(root_, {}).usable, 1);
}

TEST_F(Platform, KeepsToTheAffinityMask) {
  laptop();
  Cores cores = find_cores(root_, Threads{3, 4, 5, 8});  // half of core 1, core 2, half of core 4
  EXPECT_THAT(cores.threads, ElementsAre(Threads{3}, Threads{4, 5}, Threads{8}));
  EXPECT_EQ(cores.usable, 3);
  EXPECT_TRUE(cores.restricted);
}

TEST_F(Platform, SparesCoresThatAreOffline) {
  laptop();
  write("sys/devices/system/cpu/online", "0-7");
  Cores cores = find_cores(root_, range(0, 8));
  EXPECT_EQ(cores.usable, 4);
  EXPECT_FALSE(cores.restricted);
}

TEST_F(Platform, KeepsToAContainersQuota) {
  laptop();
  write("proc/self/cgroup", "0::/");
  write("sys/fs/cgroup/cpu.max", "350000 100000");
  Cores cores = find_cores(root_, range(0, 16));
  EXPECT_EQ(cores.quota, 3.5);
  EXPECT_EQ(cores.usable, 3);  // whole ones
  EXPECT_EQ(cores.threads.size(), 8u);
  EXPECT_TRUE(cores.restricted);
  write("sys/fs/cgroup/cpu.max", "50000 100000");
  EXPECT_EQ(find_cores(root_, range(0, 16)).usable, 1);
  write("sys/fs/cgroup/cpu.max", "max 100000");
  cores = find_cores(root_, range(0, 16));
  EXPECT_EQ(cores.usable, 8);
  EXPECT_FALSE(cores.restricted);
  write("sys/fs/cgroup/cpu.max", "1600000 100000");  // more than there is
  EXPECT_EQ(find_cores(root_, range(0, 16)).usable, 8);
}

TEST_F(Platform, KeepsToTheLeastQuotaOfTheGroupsAboveIt) {
  laptop();
  write("proc/self/cgroup", "0::/system.slice/troika.service");
  write("sys/fs/cgroup/system.slice/cpu.max", "400000 100000");
  write("sys/fs/cgroup/system.slice/troika.service/cpu.max", "600000 100000");
  EXPECT_EQ(find_cores(root_, range(0, 16)).usable, 4);
  write("sys/fs/cgroup/system.slice/troika.service/cpu.max", "100000 50000");
  EXPECT_EQ(find_cores(root_, range(0, 16)).usable, 2);
  write("proc/self/cgroup", "0::/user.slice");
  EXPECT_EQ(find_cores(root_, range(0, 16)).usable, 8);
}

TEST_F(Platform, KeepsToAQuotaOfTheFirstVersion) {
  laptop();
  write("proc/self/cgroup", "5:memory:/\n4:cpu,cpuacct:/docker/1f\n0::/");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000");
  EXPECT_EQ(find_cores(root_, range(0, 16)).usable, 8);
  write("sys/fs/cgroup/cpu,cpuacct/docker/1f/cpu.cfs_quota_us", "200000");
  write("sys/fs/cgroup/cpu,cpuacct/docker/1f/cpu.cfs_period_us", "100000");
  EXPECT_EQ(find_cores(root_, range(0, 16)).usable, 2);
  // Seen from inside, the group's own folder is the mount, and the path that the host gave it is not there.
  fs::remove_all(root_ / "sys/fs/cgroup/cpu,cpuacct");
  write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "300000");
  write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
  EXPECT_EQ(find_cores(root_, range(0, 16)).usable, 3);
}

TEST_F(Platform, IsNotConfusedByFilesThatSaySomethingElse) {
  laptop();
  write("sys/devices/system/cpu/online", "0-99999999");
  write("sys/devices/system/cpu/cpu0/topology/core_cpus_list", "5-");
  write("sys/devices/system/node/online", "many");
  write("sys/fs/cgroup/cpu.max", "200000 0");
  write("proc/self/cgroup", "nonsense\n0::/../../elsewhere\n:");
  Cores cores = find_cores(root_, range(0, 16));
  EXPECT_EQ(cores.usable, 8);  // thread 1 still says that 0 belongs to it
  EXPECT_TRUE(cores.restricted);
}

TEST_F(Platform, KnowsTheMemoryOfAMachineAndOfItsGroup) {
  write("proc/meminfo", "MemTotal:       32000000 kB\nMemFree:         1000000 kB\nMemAvailable:   20000000 kB");
  EXPECT_EQ(find_memory(root_).total_bytes, size_t{32000000} << 10);
  EXPECT_EQ(find_memory(root_).available_bytes, size_t{20000000} << 10);

  write("proc/self/cgroup", "0::/a/b");
  write("sys/fs/cgroup/a/memory.max", "8000000000");
  write("sys/fs/cgroup/a/memory.current", "5000000000");
  write("sys/fs/cgroup/a/memory.stat", "anon 2000000000\nactive_file 1000000000\ninactive_file 2000000000");
  write("sys/fs/cgroup/a/b/memory.max", "max");
  EXPECT_EQ(find_memory(root_).total_bytes, 8000000000u);
  EXPECT_EQ(find_memory(root_).available_bytes, 6000000000u);  // files that the kernel caches are no loss

  write("sys/fs/cgroup/a/b/memory.high", "3000000000");
  write("sys/fs/cgroup/a/b/memory.current", "4000000000");
  EXPECT_EQ(find_memory(root_).total_bytes, 3000000000u);
  EXPECT_EQ(find_memory(root_).available_bytes, 0u);
}

TEST_F(Platform, KnowsTheMemoryOfAGroupOfTheFirstVersion) {
  write("proc/meminfo", "MemTotal:       32000000 kB\nMemAvailable:   20000000 kB");
  write("proc/self/cgroup", "4:memory:/docker/1f");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
  write("sys/fs/cgroup/memory/docker/1f/memory.limit_in_bytes", "4000000000");
  write("sys/fs/cgroup/memory/docker/1f/memory.usage_in_bytes", "3000000000");
  write("sys/fs/cgroup/memory/docker/1f/memory.stat",
        "inactive_file 5\ntotal_active_file 500000000\ntotal_inactive_file 1500000000");
  EXPECT_EQ(find_memory(root_).total_bytes, 4000000000u);
  EXPECT_EQ(find_memory(root_).available_bytes, 3000000000u);
}

TEST_F(Platform, FindsThisMachine) {
  EXPECT_GE(cpu().cores, 1);
  EXPECT_LE(size_t(cpu().cores), cpu().topology.threads.size());
  EXPECT_LE(size_t(cpu().cores), std::thread::hardware_concurrency());
  EXPECT_GT(memory().total_bytes, size_t{64} << 20);
  EXPECT_LE(memory().available_bytes, memory().total_bytes);
}

TEST_F(Platform, PinsAThreadAndSaysWhenItCannot) {
  int allowed = cpu().topology.threads[0][0];
  std::jthread([&] {
    EXPECT_TRUE(pin_this_thread(Threads{allowed}));
    EXPECT_EQ(sched_getcpu(), allowed);
    EXPECT_FALSE(pin_this_thread({}));
    EXPECT_FALSE(pin_this_thread(Threads{1 << 20}));
  });
}

TEST_F(Platform, AllowsMoreOpenFilesAndNeverFewer) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{.rlim_cur = 100, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  EXPECT_EQ(allow_open_files(50), 100u);
  EXPECT_EQ(allow_open_files(200), 200u);
  EXPECT_EQ(allow_open_files(size_t{1} << 40), before.rlim_max);
  setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace troika::platform
