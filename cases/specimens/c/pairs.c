// SPDX-License-Identifier: Apache-2.0
// What libraries hand out and want back, and its healthy twin: `pairs DISEASE [healthy]` does one
// thing 50 times a second for ten seconds (or as many times as a third argument says) and forgets
// to give it back, or does not. Each disease is one of the pairs that plumb knows by itself; `own`
// is one of this program's functions.
#include <curl/curl.h>
#include <glib.h>
#include <libpq-fe.h>
#include <openssl/ssl.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

// Stays a function of its own, whatever the optimiser thinks of it.
#define GUILTY __attribute__((noipa)) static

static bool healthy;
static void* volatile sink;

GUILTY void fetch_price(void) {
  CURL* request = curl_easy_init();
  curl_easy_setopt(request, CURLOPT_URL, "http://127.0.0.1:1/");
  if (healthy) curl_easy_cleanup(request);
}

GUILTY void greet_safely(SSL_CTX* context) {
  SSL* session = SSL_new(context);
  SSL_set_connect_state(session);
  if (healthy) SSL_free(session);
}

GUILTY void digest_order(void) {
  EVP_MD_CTX* digest = EVP_MD_CTX_new();
  EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
  if (healthy) EVP_MD_CTX_free(digest);
}

GUILTY void open_store(void) {
  sqlite3* store = NULL;
  sqlite3_open(":memory:", &store);
  sqlite3_exec(store, "create table a(b)", NULL, NULL, NULL);
  if (healthy) sqlite3_close(store);
}

GUILTY void count_orders(sqlite3* store) {
  sqlite3_stmt* query = NULL;
  sqlite3_prepare_v2(store, "select 1", -1, &query, NULL);
  sqlite3_step(query);
  if (healthy) sqlite3_finalize(query);
}

// Nothing listens there: the connection object lives until PQfinish all the same.
GUILTY void ask_database(void) {
  PGconn* database = PQconnectdb("host=127.0.0.1 port=1 connect_timeout=1");
  sink = PQerrorMessage(database);
  if (healthy) PQfinish(database);
}

GUILTY void unpack_answer(void) {
  z_stream* stream = calloc(1, sizeof *stream);
  inflateInit(stream);
  if (healthy) inflateEnd(stream);
  free(stream);
}

GUILTY void read_log(void) {
  gzFile log = gzopen("/etc/passwd", "r");
  char text[16];
  sink = (void*)(long)gzread(log, text, sizeof text);
  if (healthy) gzclose(log);
}

GUILTY void list_folder(void) {
  GDir* folder = g_dir_open("/etc", 0, NULL);
  sink = (void*)g_dir_read_name(folder);
  if (healthy) g_dir_close(folder);
}

// A pair of the program's own, with the identity in an argument.
struct lease {
  int number;
};
__attribute__((noipa)) int lease_take(int place, struct lease* lease) {
  lease->number = place;
  return 0;
}
__attribute__((noipa)) void lease_give(struct lease* lease) {
  lease->number = 0;
}
GUILTY void take_lease(int turn) {
  static struct lease leases[500];
  lease_take(turn, &leases[turn]);
  if (healthy) lease_give(&leases[turn]);
}

static void disease(const char* name, int turn, SSL_CTX* context, sqlite3* store) {
  if (!strcmp(name, "curl")) fetch_price();
  if (!strcmp(name, "openssl")) greet_safely(context);
  if (!strcmp(name, "digest")) digest_order();
  if (!strcmp(name, "sqlite")) open_store();
  if (!strcmp(name, "statement")) count_orders(store);
  if (!strcmp(name, "libpq")) ask_database();
  if (!strcmp(name, "zlib")) unpack_answer();
  if (!strcmp(name, "gzip")) read_log();
  if (!strcmp(name, "glib")) list_folder();
  if (!strcmp(name, "own")) take_lease(turn);
}

int main(int count, char** words) {
  if (count < 2) return 2;
  healthy = count > 2 && !strcmp(words[2], "healthy");
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  sqlite3* store = NULL;
  sqlite3_open(":memory:", &store);
  const int turns = count > 3 ? atoi(words[3]) : 500;
  for (int turn = 0; turn < turns; ++turn) {
    disease(words[1], turn, context, store);
    usleep(20000);
  }
  sqlite3_close(store);
  SSL_CTX_free(context);
  return 0;
}
