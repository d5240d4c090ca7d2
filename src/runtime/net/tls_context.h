// SPDX-License-Identifier: Apache-2.0
// What a TlsContext keeps: OpenSSL's contexts, and what their callbacks choose from.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "plumb/net/tls.h"

namespace plumb::runtime {

struct FreeSslContext {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, FreeSslContext>;

struct TlsContextChoice {
  SslContext context;
  std::vector<SslContext> others;  // one for each further certificate
  std::string alpn;                // the wire form: length, name, length, name …
};

struct TlsContext::State : TlsContextChoice {
  bool server = false;
  bool verify = false;
};

}  // namespace plumb::runtime
