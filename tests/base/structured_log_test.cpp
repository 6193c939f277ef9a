// Lines for machines are JSON, whatever is in them.
#include "base/structured_log.h"

#include <gmock/gmock.h>
#include <spdlog/sinks/ostream_sink.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace troika::log {
namespace {

TEST(StructuredLog, WritesObjectsWithFields) {
  const auto before = spdlog::default_logger();
  std::ostringstream text;
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text)));
  write_json();
  warn("a \"quoted\" line\nwith {}", "\x1b[1m");
  note(level::info, {{"status", int64_t{200}}, {"seconds", 0.25}, {"key", "ann\\"}}, "done");
  info("no fields, but Z\xc3\xbcrich and \xff\xc3");
  spdlog::set_default_logger(before);

  std::istringstream lines(text.str());
  std::vector<nlohmann::json> all;
  for (std::string line; std::getline(lines, line);) all.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0]["message"], "a \"quoted\" line\nwith \x1b[1m");
  EXPECT_EQ(all[0]["level"], "warning");
  EXPECT_THAT(all[0]["time"].get<std::string>(), testing::MatchesRegex("....-..-..T..:..:..[.]...Z"));
  EXPECT_EQ(all[1]["status"], 200);
  EXPECT_EQ(all[1]["seconds"], 0.25);
  EXPECT_EQ(all[1]["key"], "ann\\");
  EXPECT_FALSE(all[2].contains("status"));
  EXPECT_EQ(all[2]["message"], "no fields, but Z\xc3\xbcrich and \xef\xbf\xbd\xef\xbf\xbd");
}

}  // namespace
}  // namespace troika::log
