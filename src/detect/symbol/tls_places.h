// SPDX-License-Identifier: Apache-2.0
// Finding places in OpenSSL and GnuTLS where a probe is cheap.
//
// A probe costs 2 us on an instruction that the kernel can act out by itself, such as a push, a
// call or a jump, and 16 us in a virtual machine on one that it has to step through, such as the
// subtractions with which SSL_read, SSL_write and gnutls_record_recv begin (Debian's OpenSSL 3.0
// and GnuTLS 3.7). No instruction is taken apart: what looks like a call in one function has to
// look like a call to the same place in another.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "detect/record/tls_places.h"
#include "detect/symbol/image.h"

namespace plumb::detect {

// Where both of two functions call to first, if that is code that begins with a push: offsets in
// the file, whose code ends at `end`. For the functions under SSL_read and SSL_read_ex, SSL_write
// and SSL_write_ex.
std::optional<std::uint64_t> common_callee(const ImageSource& image, std::uint64_t end,
                                           std::uint64_t one, std::uint64_t other);

// The same for the function under gnutls_record_recv and gnutls_record_recv_seq, which both jump to
// it with the type of application data and the buffer where TlsPlaces wants them.
std::optional<std::uint64_t> gnutls_receive(const ImageSource& image, std::uint64_t end,
                                            std::uint64_t recv, std::uint64_t recv_seq);

// The jump with which gnutls_record_send passes on what it was given, with zeros behind it.
std::optional<std::uint64_t> gnutls_send(const ImageSource& image, std::uint64_t send);

// Nothing where the file is neither of them, or one that is built in another way.
std::optional<TlsPlaces> find_tls_places(const std::string& path);

}  // namespace plumb::detect
