// SPDX-License-Identifier: Apache-2.0
// Where in a TLS library's file everything passes through, and a probe is cheap: offsets in the
// file.
#pragma once

#include <cstdint>

namespace plumb::detect {

// In OpenSSL two functions that are called with session, buffer, size and, in the fourth or fifth
// place, where to put how many bytes were moved; they answer 1 where some were.
// In GnuTLS one to read with, which is called with session, content type (RFC 8446, section 5.1)
// and buffer; and a place in gnutls_record_send where its arguments and its return address are
// still where its caller put them. They answer how many bytes were moved.
struct TlsPlaces {
  std::uint64_t read = 0;
  std::uint64_t write = 0;
};

}  // namespace plumb::detect
