// The real plug-in and XRT's own library, as far as they go where there is no NPU: nothing is found, and an xclbin is read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <xrt/detail/xclbin.h>

#include <cstring>

#include "base/error.h"
#include "npu/runtime/plugin.h"

namespace troika::npu {
namespace {

// The least that XRT takes for an xclbin: what its kernel is given, and that it is one for an NPU.
std::vector<char> xclbin_with(const std::string& kernel) {
  std::string metadata = "<project><platform><device name=\"npu\"><core><kernel name=\"" + kernel +
                         R"(" language="c" type="dpu"><extended-data dpu_kernel_id="0x901" functional="0" subtype="1"/>)";
  const char* names[] = {"opcode", "instr", "ninstr", "bo0", "bo1", "bo2", "bo3", "bo4"};
  for (int i = 0; i < 8; ++i) {
    const bool is_buffer = i == 1 || i > 2;
    metadata += fmt::format(R"(<arg name="{}" addressQualifier="{}" id="{}" size="0x8" offset="{:#x}" hostOffset="0x0" )"
                            R"(hostSize="0x8" type="{}"/>)",
                            names[i], int(is_buffer), i, 8 * i, is_buffer ? "void*" : "uint64_t");
  }
  metadata += "<instance name=\"IT\"/></kernel></core></device></platform></project>";
  ip_layout layout{};
  layout.m_count = 1;
  layout.m_ip_data[0].m_type = IP_PS_KERNEL;
  layout.m_ip_data[0].ps_kernel.m_subtype = ST_DPU;
  layout.m_ip_data[0].ps_kernel.m_kernel_id = 0x901;
  (kernel + ":IT").copy(reinterpret_cast<char*>(layout.m_ip_data[0].m_name), sizeof(layout.m_ip_data[0].m_name) - 1);

  constexpr size_t kSections = 2;
  const size_t layout_at = sizeof(axlf) + (kSections - 1) * sizeof(axlf_section_header);
  const size_t metadata_at = layout_at + sizeof(layout);
  std::vector<char> file(metadata_at + metadata.size());
  axlf head{};
  std::memcpy(head.m_magic, "xclbin2", 8);
  head.m_signature_length = -1;
  head.m_header.m_length = file.size();
  head.m_header.m_numSections = kSections;
  head.m_header.uuid[0] = 1;
  const axlf_section_header sections[kSections] = {{IP_LAYOUT, "", layout_at, sizeof(layout)},
                                                   {EMBEDDED_METADATA, "", metadata_at, metadata.size()}};
  std::memcpy(file.data(), &head, offsetof(axlf, m_sections));
  std::memcpy(file.data() + offsetof(axlf, m_sections), sections, sizeof(sections));
  std::memcpy(file.data() + layout_at, &layout, sizeof(layout));
  std::memcpy(file.data() + metadata_at, metadata.data(), metadata.size());
  return file;
}

class XrtPlugin : public ::testing::Test {
 protected:
  void SetUp() override {
    try {
      plugin_ = &load_plugin(TROIKA_XRT_PLUGIN);
    } catch (const Error& error) {
      GTEST_SKIP() << error.what();
    }
    if (plugin_->count(&why_) > 0) GTEST_SKIP() << "there is an NPU: troika doctor --npu tests more";
  }
  // What loading says where no array is open.
  std::string load(const std::vector<char>& xclbin) {
    const abi::Overlay overlay{"gemm_w8a8", xclbin.data(), xclbin.size(), "MLIR_AIE"};
    EXPECT_EQ(plugin_->load(nullptr, &overlay, &why_), nullptr);
    return why_.text;
  }

  const abi::Plugin* plugin_ = nullptr;
  abi::Why why_{};
};

TEST_F(XrtPlugin, FindsNoNpuAndSaysSo) {
  EXPECT_EQ(plugin_->count(&why_), 0) << why_.text;
  EXPECT_EQ(plugin_->open(&why_), nullptr);
  EXPECT_STREQ(why_.text, "none of the 0 devices that XRT finds is an NPU 1022:1502");
}

TEST_F(XrtPlugin, ReadsAnXclbinAndNamesTheKernelsOfAnotherOne) {
  EXPECT_EQ(load(xclbin_with("MLIR_AIE")), "no NPU was opened");
  EXPECT_EQ(load(xclbin_with("DPU")), "the xclbin of gemm_w8a8 has no kernel MLIR_AIE; it has: DPU");
}

TEST_F(XrtPlugin, RefusesWhatIsNoXclbin) {
  EXPECT_THAT(load(std::vector<char>(4096, 'x')), ::testing::Not(::testing::AnyOf("", "no NPU was opened")));
  std::vector<char> cut = xclbin_with("MLIR_AIE");
  cut.resize(300);
  EXPECT_THAT(load(cut), ::testing::Not(::testing::AnyOf("", "no NPU was opened")));
}

}  // namespace
}  // namespace troika::npu
