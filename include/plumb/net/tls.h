// SPDX-License-Identifier: Apache-2.0
// TlsContext: what a side of TLS needs before any connection: keys, trust, protocols. Safe unless
// told otherwise: TLS 1.2 and newer, the peer's certificate and name verified by a client, no
// renegotiation, no compression. OpenSSL works on memory only (BIO pairs), so that it owns no
// descriptor and every wait stays the loop's.
//
// A context is made once, is immutable afterwards and may be shared by threads. It must outlive the
// streams made with it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plumb/base/result.h"

struct ssl_ctx_st;

namespace plumb::runtime {

struct TlsCertificate {
  std::string chain_pem = {};  // the certificate, then those that lead to a root, in PEM
  std::string key_pem = {};
};

struct TlsServerOptions {
  // The first is the default; another is used when the client names (SNI) one of its hosts.
  std::vector<TlsCertificate> certificates = {};
  std::vector<std::string> alpn =
      {};  // in order of preference; a client that offers none of them fails
};

enum class Verify { kYes, kNo };

struct TlsClientOptions {
  std::string roots_pem = {};          // trust these only; empty: the system's
  std::vector<std::string> alpn = {};  // offered
  Verify verify = Verify::kYes;  // kNo protects against nobody who can answer in the peer's place
};

class TlsContext {
 public:
  // Errors: EINVAL with OpenSSL's words for keys and certificates that it cannot use.
  static Result<TlsContext> server(const TlsServerOptions& options);
  static Result<TlsContext> client(const TlsClientOptions& options);

  TlsContext(TlsContext&&) noexcept;
  TlsContext& operator=(TlsContext&&) noexcept;
  ~TlsContext();

  bool is_server() const noexcept;
  bool verifies() const noexcept;

 private:
  friend class TlsSession;
  struct State;
  explicit TlsContext(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace plumb::runtime
