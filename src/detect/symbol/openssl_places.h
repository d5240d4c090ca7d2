// SPDX-License-Identifier: Apache-2.0
// Finding the functions of OpenSSL under SSL_read, SSL_read_ex, SSL_write and SSL_write_ex.
//
// A probe costs 2 us on an instruction that the kernel can act out by itself, such as the push with
// which these begin, and 16 us in a virtual machine on one that it has to step through, such as the
// subtraction with which the four begin (Debian's OpenSSL 3.0).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "detect/record/openssl_places.h"
#include "detect/symbol/image.h"

namespace plumb::detect {

// Where both of two functions call to first, if that is code that begins with a push: offsets in
// the file, whose code ends at `end`. No instruction is taken apart: what looks like a call in one
// of them has to look like a call to the same place in the other.
std::optional<std::uint64_t> common_callee(const ImageSource& image, std::uint64_t end,
                                           std::uint64_t one, std::uint64_t other);

// Nothing where the file is no OpenSSL, or one that is built in another way.
std::optional<OpenSslPlaces> find_openssl(const std::string& path);

}  // namespace plumb::detect
