// SPDX-License-Identifier: Apache-2.0
// Exchanges as a table of any width, and as an archive that other tools read.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <sstream>

#include "detect/report/http_document.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

constexpr BootTime kStart{1h};

// A proxy: sockets 1 to 9 were accepted, the others it made itself.
class HttpDocuments : public testing::Test {
 protected:
  void say(std::uint64_t socket, bool sent, std::chrono::milliseconds at, std::string text) {
    CapturePiece piece;
    piece.what = CapturePiece::What::kData;
    piece.socket = SocketInode{socket};
    piece.pid = Pid{1'234'567};
    piece.fd = Fd{7};
    piece.name = "a-proxy-of-some";
    piece.accepted = socket < 10;
    piece.called = !piece.accepted;
    piece.sent = sent;
    piece.time = kStart + at;
    piece.family = family;
    piece.local = local;
    piece.remote = remote;
    piece.total = text.size();
    piece.front = std::move(text);
    ledger.add(std::move(piece));
  }
  void exchange(std::uint64_t socket, std::string request, std::string response) {
    const bool server = socket < 10;
    say(socket, !server, 0ms, std::move(request));
    say(socket, server, 5ms, std::move(response));
  }
  HttpDocument document() {
    ledger.settle_all();
    HttpDocument made{ledger, ledger.take_finished(), {}};
    const auto open = ledger.under_way([](SocketInode) { return SocketStanding{}; });
    made.exchanges.insert(made.exchanges.end(), open.begin(), open.end());
    made.now = kStart + 1h;
    return made;
  }
  std::string rows(const HttpDocument& made, std::size_t width) {
    std::string text;
    const auto sink = [&](std::string_view piece) {
      text += piece;
      return true;
    };
    write_http_heading({.width = width}, sink);
    write_http_rows(made, {.width = width}, sink);
    return text;
  }
  nlohmann::json archive(const HttpDocument& made) {
    std::string text;
    write_http_har(made, [&](std::string_view piece) {
      text += piece;
      return true;
    });
    return nlohmann::json::parse(text)["log"];
  }
  nlohmann::json only_entry() {
    const auto entries = archive(document())["entries"];
    EXPECT_EQ(entries.size(), 1U);
    return entries.empty() ? nlohmann::json() : entries.front();
  }

  ExchangeLedger ledger;
  std::uint16_t family = 2;
  IpEndpoint local{{10, 0, 0, 1}, 8080};
  IpEndpoint remote{{10, 0, 0, 2}, 50000};
};

TEST_F(HttpDocuments, NoLineOfANarrowTableWraps) {
  exchange(1, "GET /" + std::string(300, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  exchange(2, "GET /b HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n\r\nok");
  const HttpDocument made = document();
  for (const std::size_t width : {48U, 60U, 80U, 200U}) {
    std::istringstream lines(rows(made, width));
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
      EXPECT_LE(cells(line), width) << line;
    }
    EXPECT_EQ(count, 4) << "heading, two exchanges, a state";
  }
  EXPECT_NE(rows(made, 60).find("GET h"), std::string::npos);
  EXPECT_NE(rows(made, 0).find(std::string(300, 'a')), std::string::npos);
}

TEST_F(HttpDocuments, WhatAProxyTookAwayIsNamed) {
  exchange(1, "GET /b HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n\r\nok");
  HttpDocument made = document();
  ASSERT_EQ(made.exchanges.size(), 1U);
  made.exchanges.front().differences = {{"content-length", "26", {}},
                                        {"connection", "close", {}},
                                        {"etag", "secret-of-etag", {}},
                                        {"server", "a", "b"},
                                        {"x-id", "1", {}}};
  const std::string text = rows(made, 0);
  EXPECT_NE(text.find("    content-length: 26 came from upstream; it is missing downstream\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("    etag, x-id came from upstream and did not go out\n"), std::string::npos)
      << text;
  EXPECT_EQ(text.find("secret-of-etag"), std::string::npos) << "values are for JSON";
}

TEST_F(HttpDocuments, AnArchiveNamesTheServersEnd) {
  exchange(1, "GET /a?b=c&d HTTP/1.1\r\nHost: h\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  const auto entry = only_entry();
  EXPECT_EQ(entry["serverIPAddress"], "10.0.0.1");
  EXPECT_EQ(entry["request"]["url"], "http://h/a?b=c&d");
  EXPECT_EQ(entry["request"]["queryString"].dump(),
            R"([{"name":"b","value":"c"},{"name":"d","value":""}])");
}

TEST_F(HttpDocuments, AnArchiveHasAddressesWithoutBrackets) {
  family = 10;
  remote.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  exchange(11, "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  const auto entry = only_entry();
  EXPECT_EQ(entry["serverIPAddress"], "::1");
  EXPECT_EQ(entry["request"]["url"], "http://[::1]/");
}

TEST_F(HttpDocuments, AnArchiveHasUrlsWhateverWasAskedFor) {
  exchange(1, "CONNECT u:p@h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n");
  exchange(2, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n");
  exchange(3, "GET http://u:p@h/\x1b[2J\"<\xff HTTP/1.1\r\nHost: h\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  std::vector<std::string> urls;
  const auto entries = archive(document())["entries"];
  for (const auto& entry : entries) urls.push_back(entry["request"]["url"]);
  std::ranges::sort(urls);
  EXPECT_EQ(urls, (std::vector<std::string>{"http://***@h/%1B[2J%22%3C%FF", "http://***@h:443",
                                            "http://h/*"}));
}

}  // namespace
}  // namespace plumb::detect
