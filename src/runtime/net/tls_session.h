// SPDX-License-Identifier: Apache-2.0
// TlsSession: one connection's TLS as a function of bytes: ciphertext in and out, plaintext in and
// out, no input or output of its own. The stream moves the ciphertext.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <span>
#include <string>

#include "plumb/base/result.h"
#include "plumb/net/buffer.h"
#include "plumb/net/tls.h"

namespace plumb::runtime {

class TlsSession {
 public:
  enum class Said { kDone, kEnd, kWantsInput, kFailed };

  // Errors: EINVAL for a verifying client without a name to verify; ENOMEM.
  static Result<std::unique_ptr<TlsSession>> make(const TlsContext& context,
                                                  const std::string& server_name);

  Said handshake();
  Said read(std::span<std::byte> into, std::size_t& got);
  // Encrypts at most one record, 16 KiB.
  Said write(Bytes bytes, std::size_t& taken);
  Said say_goodbye();  // close_notify

  void feed(Bytes ciphertext);
  // Ciphertext that must be sent: its first part; consume what went.
  Bytes output() const noexcept;
  void consume_output(std::size_t count) noexcept;

  // After kFailed: EPROTO with OpenSSL's words.
  Error error() const;
  bool began() const noexcept { return began_; }
  std::string alpn() const;
  std::string server_name() const;

  // Plaintext bytes encrypted whose ciphertext was not all sent when the write had to wait.
  std::size_t unreported = 0;

 private:
  struct Free {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  };
  explicit TlsSession(SSL* ssl) noexcept : ssl_(ssl) {}
  Said said(int result);

  std::unique_ptr<SSL, Free> ssl_;
  BIO* in_ = nullptr;   // owned by ssl_
  BIO* out_ = nullptr;  // owned by ssl_
  std::string trouble_;
  bool began_ = false;
};

}  // namespace plumb::runtime
