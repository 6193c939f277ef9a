// Which network addresses a stranger may send us to: those of the public Internet, and no others. A server that
// fetches what clients name could otherwise be made to read from its own host, its neighbours, or a cloud's
// metadata service.
#pragma once

struct sockaddr;

namespace troika::server {

// False for loopback, private, link-local, shared, reserved and multicast ranges, for IPv6 addresses that carry such
// an IPv4 address, and for anything that is neither IPv4 nor IPv6.
bool is_public(const sockaddr& address);

}  // namespace troika::server
