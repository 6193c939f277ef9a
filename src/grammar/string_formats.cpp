#include "grammar/string_formats.h"

namespace troika::grammar {
namespace {

struct Row {
  std::string_view name, pattern;
};

// February has 28 days in every year; labels of host names have 32 characters at most.
constexpr Row kFormats[] = {
    {"date",
     "[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|"
     "02-(0[1-9]|1[0-9]|2[0-8]))"},
    {"time", "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"},
    {"date-time",
     "[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|"
     "02-(0[1-9]|1[0-9]|2[0-8]))T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?"
     "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"},
    {"duration",
     "P([0-9]{1,6}W|([0-9]{1,6}Y)?([0-9]{1,6}M)?[0-9]{1,6}D|([0-9]{1,6}Y)?[0-9]{1,6}M|[0-9]{1,6}Y|"
     "([0-9]{1,6}D)?T([0-9]{1,6}H|[0-9]{1,6}M|[0-9]{1,6}S|[0-9]{1,6}H[0-9]{1,6}M([0-9]{1,6}S)?|[0-9]{1,6}M[0-9]{1,6}S))"},
    {"email",
     "[A-Za-z0-9_+-]{1,32}(\\.[A-Za-z0-9_+-]{1,30})?@[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?"
     "(\\.[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?){1,3}"},
    {"hostname", "[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?){0,4}"},
    {"ipv4", "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(\\.(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}"},
    {"ipv6",
     "([0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|([0-9A-Fa-f]{1,4}:){1,6}:[0-9A-Fa-f]{1,4}|::([0-9A-Fa-f]{1,4}:){0,5}"
     "[0-9A-Fa-f]{1,4}|([0-9A-Fa-f]{1,4}:){1,7}:|::"},
    {"uri",
     "[A-Za-z][A-Za-z0-9+.-]{0,15}:(//[A-Za-z0-9._~-]{1,100}(:[0-9]{1,5})?)?/?"
     "([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*(\\?([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"
     "(#([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"},
    {"uuid", "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"},
};

}  // namespace

std::string_view string_format(std::string_view name) {
  for (const Row& row : kFormats) {
    if (row.name == name) return row.pattern;
  }
  return "";
}

std::string known_string_formats() {
  std::string names;
  for (const Row& row : kFormats) {
    if (!names.empty()) names += ", ";
    names += row.name;
  }
  return names;
}

}  // namespace troika::grammar
