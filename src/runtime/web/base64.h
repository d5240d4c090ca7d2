// SPDX-License-Identifier: Apache-2.0
// Base64 (RFC 4648 section 4), for handshakes and credentials.
#pragma once

#include <openssl/evp.h>

#include <span>
#include <string>
#include <string_view>

namespace plumb::runtime {

inline std::string base64(std::span<const unsigned char> bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // EVP_EncodeBlock adds a NUL
  const int size = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

inline std::string base64(std::string_view text) {
  return base64({reinterpret_cast<const unsigned char*>(text.data()), text.size()});
}

}  // namespace plumb::runtime
