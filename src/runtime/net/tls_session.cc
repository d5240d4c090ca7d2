// SPDX-License-Identifier: Apache-2.0
// One connection's TLS over memory BIOs.
#include "tls_session.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>

#include "tls_context.h"

namespace plumb::runtime {
namespace {

constexpr std::size_t kRecord = 16 * 1024;  // RFC 8446, 5.1

bool is_ip(const std::string& name) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, name.c_str(), bytes) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

bool expect_name(SSL* ssl, const std::string& name) {
  if (is_ip(name)) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, name.c_str()) == 1;
}

}  // namespace

Result<std::unique_ptr<TlsSession>> TlsSession::make(const TlsContext& context,
                                                     const std::string& server_name) {
  if (!context.is_server() && context.verifies() && server_name.empty()) {
    return fail("start TLS", "", EINVAL, "give the server's name, it is what is verified");
  }
  SSL* ssl = SSL_new(context.state_->context.get());
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  if (ssl == nullptr || in == nullptr || out == nullptr) {
    SSL_free(ssl);
    BIO_free(in);
    BIO_free(out);
    return fail("start TLS", "", ENOMEM);
  }
  BIO_set_mem_eof_return(in, -1);  // empty means "later", not "the end"
  SSL_set_bio(ssl, in, out);
  std::unique_ptr<TlsSession> session(new TlsSession(ssl));
  session->in_ = in;
  session->out_ = out;
  if (context.is_server()) {
    SSL_set_accept_state(ssl);
    return session;
  }
  SSL_set_connect_state(ssl);
  if (!server_name.empty()) {
    const bool named =
        is_ip(server_name) || SSL_set_tlsext_host_name(ssl, server_name.c_str()) == 1;
    if (!named || (context.verifies() && !expect_name(ssl, server_name))) {
      return fail("start TLS", server_name, EINVAL, "not a host's name");
    }
  }
  return session;
}

TlsSession::Said TlsSession::said(int result) {
  began_ = true;
  if (result > 0) return Said::kDone;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:  // a memory BIO takes everything, so this is never for output
      return Said::kWantsInput;
    case SSL_ERROR_ZERO_RETURN:
      return Said::kEnd;
    default:
      break;
  }
  char words[256] = "";
  const auto code = ERR_peek_last_error();
  ERR_error_string_n(code, words, sizeof words);
  if (ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    trouble_ = std::string("the peer's certificate: ") +
               X509_verify_cert_error_string(SSL_get_verify_result(ssl_.get()));
  } else {
    trouble_ = words;
  }
  ERR_clear_error();
  return Said::kFailed;
}

TlsSession::Said TlsSession::handshake() {
  ERR_clear_error();
  return said(SSL_do_handshake(ssl_.get()));
}

TlsSession::Said TlsSession::read(std::span<std::byte> into, std::size_t& got) {
  ERR_clear_error();
  return said(SSL_read_ex(ssl_.get(), into.data(), into.size(), &got));
}

TlsSession::Said TlsSession::write(Bytes bytes, std::size_t& taken) {
  ERR_clear_error();
  return said(SSL_write_ex(ssl_.get(), bytes.data(), std::min(bytes.size(), kRecord), &taken));
}

TlsSession::Said TlsSession::say_goodbye() {
  ERR_clear_error();
  const int result = SSL_shutdown(ssl_.get());
  return result >= 0 ? Said::kDone : said(result);
}

void TlsSession::feed(Bytes ciphertext) {
  BIO_write(in_, ciphertext.data(), static_cast<int>(ciphertext.size()));
}

Bytes TlsSession::output() const noexcept {
  char* data = nullptr;
  const long size = BIO_get_mem_data(out_, &data);
  return {reinterpret_cast<const std::byte*>(data), static_cast<std::size_t>(size)};
}

void TlsSession::consume_output(std::size_t count) noexcept {
  std::byte sink[1024];
  while (count != 0) {
    const int got = BIO_read(out_, sink, static_cast<int>(std::min(count, sizeof sink)));
    if (got <= 0) return;
    count -= static_cast<std::size_t>(got);
  }
}

Error TlsSession::error() const {
  return fail("speak TLS", "", EPROTO, trouble_);
}

std::string TlsSession::alpn() const {
  const unsigned char* name = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &length);
  return std::string(reinterpret_cast<const char*>(name), length);
}

std::string TlsSession::server_name() const {
  const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : "";
}

}  // namespace plumb::runtime
