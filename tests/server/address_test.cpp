// Which addresses a server may be sent to by strangers.
#include "server/public_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

namespace troika::server {
namespace {

bool allowed(const char* text) {
  sockaddr_in v4{.sin_family = AF_INET};
  if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) return is_public(reinterpret_cast<const sockaddr&>(v4));
  sockaddr_in6 v6{.sin6_family = AF_INET6};
  EXPECT_EQ(inet_pton(AF_INET6, text, &v6.sin6_addr), 1) << text;
  return is_public(reinterpret_cast<const sockaddr&>(v6));
}

TEST(PublicAddress, OfTheInternetAreAllowed) {
  for (const char* text : {"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255",
                           "172.32.0.0", "192.167.255.255", "192.169.0.0", "223.255.255.255", "198.17.255.255",
                           "198.20.0.0", "2606:4700::1111", "2001:4860:4860::8888", "2a00::1", "::ffff:8.8.8.8",
                           "64:ff9b::8.8.8.8", "2002:808:808::1"})
    EXPECT_TRUE(allowed(text)) << text;
}

TEST(PublicAddress, OfOurselvesNeighboursAndCloudsAreNot) {
  for (const char* text :
       {"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1",
        "127.255.0.1", "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192",
        "192.168.1.1", "198.18.0.1", "198.19.255.255", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1",
        "::7f00:1", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1",
        "2002:7f00:1::1", "2002:a9fe:a9fe::", "2001::1", "2001:db8::1", "3fff::1", "100::1", "4000::1"})
    EXPECT_FALSE(allowed(text)) << text;
}

TEST(PublicAddress, OtherFamiliesAreNot) {
  sockaddr_un local{.sun_family = AF_UNIX};
  EXPECT_FALSE(is_public(reinterpret_cast<const sockaddr&>(local)));
}

}  // namespace
}  // namespace troika::server
