// SPDX-License-Identifier: Apache-2.0
// Signing with OpenSSL, P-256 because it is quick.
#include "support/certificates.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cctype>
#include <cstdlib>

namespace plumb::test {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

void must(bool worked) {
  if (!worked) std::abort();
}

Owned<EVP_PKEY> new_key() {
  return Owned<EVP_PKEY>(EVP_EC_gen("P-256"));
}

void add_extension(X509* to, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  must(extension != nullptr && X509_add_ext(to, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

Owned<X509> new_certificate(const std::string& name, EVP_PKEY* key, long serial) {
  Owned<X509> certificate(X509_new());
  X509* it = certificate.get();
  X509_set_version(it, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(it), serial);
  X509_gmtime_adj(X509_getm_notBefore(it), -60);
  X509_gmtime_adj(X509_getm_notAfter(it), 3600);
  X509_set_pubkey(it, key);
  const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(it), "CN", MBSTRING_UTF8, text, -1, -1, 0);
  return certificate;
}

template <typename Write>
std::string pem(Write write) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  must(write(bio.get()) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

}  // namespace

struct Authority::State {
  Owned<EVP_PKEY> key = new_key();
  Owned<X509> root = new_certificate("plumb test authority", key.get(), 1);
  long next = 2;
};

Authority::Authority() : state_(std::make_unique<State>()) {
  X509* root = state_->root.get();
  X509_set_issuer_name(root, X509_get_subject_name(root));
  add_extension(root, root, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(root, root, NID_key_usage, "critical,keyCertSign");
  must(X509_sign(root, state_->key.get(), EVP_sha256()) != 0);
}

Authority::~Authority() = default;

std::string Authority::root_pem() const {
  return pem([&](BIO* bio) { return PEM_write_bio_X509(bio, state_->root.get()); });
}

runtime::TlsCertificate Authority::sign(const std::string& name) const {
  const auto key = new_key();
  const auto leaf = new_certificate(name, key.get(), state_->next++);
  X509_set_issuer_name(leaf.get(), X509_get_subject_name(state_->root.get()));
  const bool ip = std::isdigit(static_cast<unsigned char>(name.back())) != 0;
  add_extension(leaf.get(), state_->root.get(), NID_subject_alt_name, (ip ? "IP:" : "DNS:") + name);
  must(X509_sign(leaf.get(), state_->key.get(), EVP_sha256()) != 0);
  return {.chain_pem = pem([&](BIO* bio) { return PEM_write_bio_X509(bio, leaf.get()); }),
          .key_pem = pem([&](BIO* bio) {
            return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

}  // namespace plumb::test
