// SPDX-License-Identifier: Apache-2.0
// The list of ready pairs. A library's calls of its own functions do not count, so that a function
// that is built on another one is no second acquire.
#include "detect/model/ready_pairs.h"

#include "detect/model/pair_spec.h"
#include "plumb/base/text.h"

namespace plumb::detect {
namespace {

constexpr std::string_view kReady = R"(# libcurl: libcurl-easy(3), libcurl-multi(3)
curl.easy=libcurl.so.4:curl_easy_init|curl_easy_duphandle,curl_easy_cleanup
curl.multi=libcurl.so.4:curl_multi_init,curl_multi_cleanup
curl.share=libcurl.so.4:curl_share_init,curl_share_cleanup
curl.mime=libcurl.so.4:curl_mime_init,curl_mime_free
curl.url=libcurl.so.4:curl_url|curl_url_dup,curl_url_cleanup
# OpenSSL 3: what has no reference count, or seldom more than one
openssl.ssl=libssl.so.3:SSL_new|SSL_dup,SSL_free
openssl.ctx=libssl.so.3:SSL_CTX_new|SSL_CTX_new_ex,SSL_CTX_free
openssl.bio=libcrypto.so.3:BIO_new|BIO_new_file|BIO_new_mem_buf|BIO_new_fp|BIO_new_socket|BIO_new_connect,BIO_free|BIO_free_all|BIO_vfree
openssl.digest=libcrypto.so.3:EVP_MD_CTX_new,EVP_MD_CTX_free
openssl.cipher=libcrypto.so.3:EVP_CIPHER_CTX_new,EVP_CIPHER_CTX_free
openssl.pkey-ctx=libcrypto.so.3:EVP_PKEY_CTX_new|EVP_PKEY_CTX_new_id|EVP_PKEY_CTX_new_from_name|EVP_PKEY_CTX_new_from_pkey,EVP_PKEY_CTX_free
openssl.bignum=libcrypto.so.3:BN_new|BN_dup|BN_secure_new,BN_free|BN_clear_free
# SQLite 3: a close that finds statements left returns an error and closes nothing
sqlite.db=libsqlite3.so.0:sqlite3_open*2|sqlite3_open_v2*2|sqlite3_open16*2,sqlite3_close@1!|sqlite3_close_v2@1!
sqlite.stmt=libsqlite3.so.0:sqlite3_prepare*4|sqlite3_prepare_v2*4|sqlite3_prepare_v3*4|sqlite3_prepare16*4|sqlite3_prepare16_v2*4|sqlite3_prepare16_v3*4,sqlite3_finalize
sqlite.blob=libsqlite3.so.0:sqlite3_blob_open*6,sqlite3_blob_close
sqlite.backup=libsqlite3.so.0:sqlite3_backup_init,sqlite3_backup_finish
# libpq
libpq.conn=libpq.so.5:PQconnectdb|PQconnectdbParams|PQsetdbLogin|PQconnectStart|PQconnectStartParams,PQfinish
libpq.result=libpq.so.5:PQexec|PQexecParams|PQexecPrepared|PQprepare|PQdescribePrepared|PQdescribePortal|PQgetResult|PQmakeEmptyPGresult|PQcopyResult,PQclear
libpq.cancel=libpq.so.5:PQgetCancel,PQfreeCancel
# zlib: a stream is known by its state, the eighth word of z_stream
zlib.inflate=libz.so.1:inflateInit_*1+56|inflateInit2_*1+56|inflateBackInit_*1+56|inflateCopy*1+56,inflateEnd*1+56|inflateBackEnd*1+56
zlib.deflate=libz.so.1:deflateInit_*1+56|deflateInit2_*1+56|deflateCopy*1+56,deflateEnd*1+56
zlib.file=libz.so.1:gzopen|gzopen64|gzdopen,gzclose|gzclose_r|gzclose_w
# GLib: what is not counted by references, or seldom
glib.dir=libglib-2.0.so.0:g_dir_open,g_dir_close
glib.string=libglib-2.0.so.0:g_string_new|g_string_new_len|g_string_sized_new,g_string_free|g_string_free_to_bytes
glib.hash=libglib-2.0.so.0:g_hash_table_new|g_hash_table_new_full,g_hash_table_destroy|g_hash_table_unref
glib.list-store=libglib-2.0.so.0:g_queue_new,g_queue_free|g_queue_free_full
glib.key-file=libglib-2.0.so.0:g_key_file_new,g_key_file_free|g_key_file_unref
glib.timer=libglib-2.0.so.0:g_timer_new,g_timer_destroy
glib.regex=libglib-2.0.so.0:g_regex_new,g_regex_unref
glib.error=libglib-2.0.so.0:g_error_new|g_error_new_literal|g_error_new_valist|g_error_copy,g_error_free
)";

}  // namespace

std::string_view ready_list() {
  return kReady;
}

std::vector<Pair> ready_pairs(std::string_view name) {
  std::vector<Pair> found;
  auto all = parse_pairs(kReady);
  if (!all) return found;
  for (Pair& pair : *all) {
    const std::string_view library = std::string_view(pair.name).substr(0, pair.name.find('.'));
    if (pair.name == name || library == name) found.push_back(std::move(pair));
  }
  return found;
}

std::vector<std::string_view> ready_libraries() {
  std::vector<std::string_view> names;
  for (std::string_view rest = kReady; !rest.empty();) {
    const std::string_view line = take_until(rest, '\n');
    if (line.starts_with('#')) continue;
    const std::string_view library = line.substr(0, line.find('.'));
    if (names.empty() || names.back() != library) names.push_back(library);
  }
  return names;
}

}  // namespace plumb::detect
