// SPDX-License-Identifier: Apache-2.0
// Making TLS contexts: keys, trust, ALPN and the choice of a certificate by name.
#include "tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cerrno>

namespace plumb::runtime {
namespace {

struct FreeOpenSsl {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
template <typename T>
using Owned = std::unique_ptr<T, FreeOpenSsl>;

Error refused(const char* what, const std::string& object = "") {
  char words[256] = "";
  ERR_error_string_n(ERR_peek_last_error(), words, sizeof words);
  ERR_clear_error();
  return fail(what, object, EINVAL, words);
}

Owned<BIO> reader(const std::string& pem) {
  return Owned<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

Owned<X509> next_certificate(BIO* bio) {
  return Owned<X509>(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr));
}

Result<SslContext> new_context(const SSL_METHOD* method) {
  SslContext context(SSL_CTX_new(method));
  if (!context) return refused("make TLS context");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE);
  // RELEASE_BUFFERS: 34 KiB less for an idle connection.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

Result<void> use(SSL_CTX* context, const TlsCertificate& given) {
  const auto chain = reader(given.chain_pem);
  const auto leaf = next_certificate(chain.get());
  if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1) return refused("use certificate");
  while (auto issuer = next_certificate(chain.get())) {
    if (SSL_CTX_add1_chain_cert(context, issuer.get()) != 1) return refused("use chain");
  }
  ERR_clear_error();  // the end of the chain is reported as an error
  const auto key_text = reader(given.key_pem);
  const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
  if (!key || SSL_CTX_use_PrivateKey(context, key.get()) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return refused("use private key");
  }
  return {};
}

Result<void> trust(SSL_CTX* context, const std::string& roots_pem) {
  if (roots_pem.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) != 1) return refused("find trusted roots");
    return {};
  }
  const auto bio = reader(roots_pem);
  int count = 0;
  for (; const auto root = next_certificate(bio.get()); ++count) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), root.get());
  }
  if (count == 0) return refused("read trusted roots");
  ERR_clear_error();
  return {};
}

Result<std::string> wire_form(const std::vector<std::string>& names) {
  std::string wire;
  for (const auto& name : names) {
    if (name.empty() || name.size() > 255)
      return fail("offer ALPN", name, EINVAL, "1 to 255 bytes");
    wire.push_back(static_cast<char>(name.size()));
    wire.append(name);
  }
  return wire;
}

int choose_alpn(SSL*, const unsigned char** chosen, unsigned char* length,
                const unsigned char* offered, unsigned offered_length, void* argument) {
  const auto& ours = static_cast<const TlsContextChoice*>(argument)->alpn;
  unsigned char* found = nullptr;
  const auto* wanted = reinterpret_cast<const unsigned char*>(ours.data());
  if (SSL_select_next_proto(&found, length, wanted, static_cast<unsigned>(ours.size()), offered,
                            offered_length) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301, 3.2: no_application_protocol
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

int choose_certificate(SSL* ssl, int*, void* argument) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  const auto* choice = static_cast<const TlsContextChoice*>(argument);
  const auto matches = [&](SSL_CTX* context) {
    return X509_check_host(SSL_CTX_get0_certificate(context), name, 0, 0, nullptr) == 1;
  };
  if (matches(choice->context.get())) return SSL_TLSEXT_ERR_OK;
  for (const auto& other : choice->others) {
    if (!matches(other.get())) continue;
    SSL_set_SSL_CTX(ssl, other.get());
    break;
  }
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

TlsContext::TlsContext(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
TlsContext::TlsContext(TlsContext&&) noexcept = default;
TlsContext& TlsContext::operator=(TlsContext&&) noexcept = default;
TlsContext::~TlsContext() = default;

bool TlsContext::is_server() const noexcept {
  return state_->server;
}
bool TlsContext::verifies() const noexcept {
  return state_->verify;
}

Result<TlsContext> TlsContext::server(const TlsServerOptions& options) {
  if (options.certificates.empty()) {
    return fail("make TLS context", "", EINVAL, "a server needs a certificate");
  }
  auto state = std::make_unique<State>();
  state->server = true;
  auto alpn = wire_form(options.alpn);
  if (!alpn) return std::move(alpn).error();
  state->alpn = *std::move(alpn);
  for (const auto& certificate : options.certificates) {
    auto context = new_context(TLS_server_method());
    if (!context) return std::move(context).error();
    if (auto used = use(context->get(), certificate); !used) return std::move(used).error();
    if (!state->context) {
      state->context = *std::move(context);
    } else {
      state->others.push_back(*std::move(context));
    }
  }
  TlsContextChoice* choice = state.get();
  SSL_CTX_set_tlsext_servername_callback(state->context.get(), choose_certificate);
  SSL_CTX_set_tlsext_servername_arg(state->context.get(), choice);
  if (!state->alpn.empty()) {
    // OpenSSL asks the context that the name has chosen.
    SSL_CTX_set_alpn_select_cb(state->context.get(), choose_alpn, choice);
    for (const auto& other : state->others) {
      SSL_CTX_set_alpn_select_cb(other.get(), choose_alpn, choice);
    }
  }
  return TlsContext(std::move(state));
}

Result<TlsContext> TlsContext::client(const TlsClientOptions& options) {
  auto state = std::make_unique<State>();
  state->verify = options.verify == Verify::kYes;
  auto context = new_context(TLS_client_method());
  if (!context) return std::move(context).error();
  state->context = *std::move(context);
  if (state->verify) {
    SSL_CTX_set_verify(state->context.get(), SSL_VERIFY_PEER, nullptr);
    if (auto trusted = trust(state->context.get(), options.roots_pem); !trusted) {
      return std::move(trusted).error();
    }
  }
  auto alpn = wire_form(options.alpn);
  if (!alpn) return std::move(alpn).error();
  if (!alpn->empty() &&
      SSL_CTX_set_alpn_protos(state->context.get(),
                              reinterpret_cast<const unsigned char*>(alpn->data()),
                              static_cast<unsigned>(alpn->size())) != 0) {
    return refused("offer ALPN");
  }
  return TlsContext(std::move(state));
}

}  // namespace plumb::runtime
