// SPDX-License-Identifier: Apache-2.0
// The same with libcurl's multi interface: 64 transfers at a time over as many kept connections.
//   web_client_curl URL SECONDS
#include <curl/curl.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

constexpr int kConnections = 64;

struct Transfer {
  CURL* easy = nullptr;
  std::string body;
};

std::size_t take(char* data, std::size_t, std::size_t size, void* user) {
  static_cast<Transfer*>(user)->body.append(data, size);
  return size;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 1;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM* const multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, long{kConnections});
  std::vector<Transfer> transfers(kConnections);
  for (auto& transfer : transfers) {
    transfer.easy = curl_easy_init();
    curl_easy_setopt(transfer.easy, CURLOPT_URL, argv[1]);
    curl_easy_setopt(transfer.easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(transfer.easy, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(transfer.easy, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(transfer.easy, CURLOPT_PRIVATE, &transfer);
    curl_multi_add_handle(multi, transfer.easy);
  }
  const auto began = std::chrono::steady_clock::now();
  const auto end = began + std::chrono::seconds(std::atoi(argv[2]));
  std::size_t done = 0;
  int running = kConnections;
  while (running != 0) {
    curl_multi_perform(multi, &running);
    int left = 0;
    while (CURLMsg* const message = curl_multi_info_read(multi, &left)) {
      CURL* const easy = message->easy_handle;
      Transfer* transfer = nullptr;
      curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
      if (message->data.result != CURLE_OK || transfer->body.size() != 13) return 1;
      transfer->body.clear();
      ++done;
      curl_multi_remove_handle(multi, easy);
      if (std::chrono::steady_clock::now() < end) {
        curl_multi_add_handle(multi, easy);
        ++running;
      }
    }
    if (running != 0) curl_multi_poll(multi, nullptr, 0, 100, nullptr);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("%.0f\n", static_cast<double>(done) / took.count());
  for (auto& transfer : transfers) curl_easy_cleanup(transfer.easy);
  curl_multi_cleanup(multi);
  curl_global_cleanup();
}
