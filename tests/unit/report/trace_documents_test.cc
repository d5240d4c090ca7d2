// SPDX-License-Identifier: Apache-2.0
// A trace with names that would break each format, as text, JSON, folded stacks, pprof and a page.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <zlib.h>

#include <sstream>

#include "detect/report/pieces.h"
#include "detect/report/trace_document.h"

namespace plumb::detect {
namespace {

using std::chrono::seconds;

constexpr BootTime kBegan{seconds(1000)};
constexpr std::uint16_t kOpenAt = 257;
constexpr const char* kHostile = "evil;\n\x1b[2J</script>\"\\\xff";

class TraceDocuments : public testing::Test {
 protected:
  TraceDocuments() {
    ProcessEvent start;
    start.what = ProcessEvent::What::kFork;
    start.pid = Pid{7};
    start.table = TableId{1};
    start.start = kBegan - seconds(50);
    start.name = kHostile;
    ledger_.on(start);
    Frame leaf;
    leaf.function = kHostile;
    leaf.file = kHostile;
    leaf.line = 8;
    leaf.module = kHostile;
    Frame root;
    root.function = "main";
    ledger_.learn(OriginId{16},
                  stacks_.add(std::vector{stacks_.intern(leaf), stacks_.intern(root)}), Kind::kFile,
                  kOpenAt, false);
    std::vector<OriginCount> counts(17);
    counts[16] = {3, 1};
    ledger_.begin_pass(kBegan + seconds(60));
    for (const int fd : {3, 4}) {
      LiveHolding holding;
      holding.table = TableId{1};
      holding.fd = Fd{fd};
      holding.file = FileId{100U + static_cast<unsigned>(fd)};
      holding.born = kBegan + seconds(fd);
      holding.origin = OriginId{16};
      holding.kind = Kind::kFile;
      ledger_.hold(holding);
      texts_[{Pid{7}, Fd{fd}, holding.file}] = {"/tmp/x", "peer(9)"};
    }
    LiveHolding before;
    before.table = TableId{1};
    before.fd = Fd{0};
    before.born = kBegan - seconds(1);
    before.kind = Kind::kPty;
    ledger_.hold(before);
    ledger_.end_pass(counts, {});
  }

  TraceDocument document() const {
    return {.ledger = ledger_,
            .stacks = stacks_,
            .texts = texts_,
            .losses = losses_,
            .repairs = {},
            .kinds = {}};
  }
  std::string text(const TraceDocument& of) {
    return written([&](const Sink& sink) { write_trace_text(of, Paper{}, sink); });
  }
  std::vector<nlohmann::json> records() {
    std::istringstream lines(
        written([&](const Sink& sink) { write_trace_json(document(), sink); }));
    std::vector<nlohmann::json> all;
    for (std::string line; std::getline(lines, line);) all.push_back(nlohmann::json::parse(line));
    return all;
  }

  TraceLedger ledger_{kBegan, seconds(2)};
  StackStore stacks_;
  SampleTexts texts_;
  TraceLosses losses_;
};

TEST_F(TraceDocuments, AsTextCommandNoTerminal) {
  const std::string out = text(document());
  for (const char c : out) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
  EXPECT_NE(out.find("3 held from 2 origins"), std::string::npos) << out;
  EXPECT_NE(out.find("main"), std::string::npos);
}

TEST_F(TraceDocuments, AsTextSayWhatBecameOfTheProcess) {
  const ProcessKey key = ledger_.processes().begin()->first;
  ledger_.on_state(key, true);
  EXPECT_NE(text(document()).find("which is stopped"), std::string::npos);
  ProcessEvent exec;
  exec.what = ProcessEvent::What::kExec;
  exec.pid = Pid{7};
  exec.start = kBegan - seconds(50);
  exec.table = TableId{2};
  exec.old_table = TableId{1};
  exec.name = "other";
  ledger_.on(exec);
  auto of = document();
  EXPECT_NE(text(of).find("which has executed another program"), std::string::npos);
  of.command = true;
  EXPECT_EQ(text(of).find("another program"), std::string::npos) << "its own start is no news";
}

TEST_F(TraceDocuments, AsTextTellEachLossWithItsNumber) {
  losses_ = {.holdings = 11, .stacks = 22, .events = 33, .processes = 44, .missed_runs = 55};
  const std::string out = text(document());
  for (const char* count : {"11 ", "22 ", "33 ", "44 ", "55 "}) {
    EXPECT_NE(out.find(count), std::string::npos) << count;
  }
}

TEST_F(TraceDocuments, AsJsonAreARecordALine) {
  const auto all = records();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0]["record"], "origin");
  EXPECT_EQ(all[0]["held"], 2);
  EXPECT_EQ(all[0]["created"], 3);
  EXPECT_EQ(all[0]["closed"], 1);
  EXPECT_EQ(all[0]["stack"][1]["function"], "main");
  EXPECT_EQ(all[1]["reason"], "open before the trace began");
  EXPECT_EQ(all[2]["record"], "trace");
  EXPECT_EQ(all[2]["processes"][0]["stopped"], false);
}

TEST_F(TraceDocuments, AsFoldedStacksAreALineAnOrigin) {
  const std::string out = written([&](const Sink& sink) { write_trace_folded(document(), sink); });
  EXPECT_EQ(std::ranges::count(out, '\n'), 2);
  const std::string first = out.substr(0, out.find('\n'));
  EXPECT_TRUE(first.starts_with("main;evil:"));
  EXPECT_TRUE(first.ends_with(";file 2"));
  EXPECT_EQ(std::ranges::count(first, ';'), 2);
}

TEST_F(TraceDocuments, AsAPageEndNoScriptEarly) {
  const std::string page = written([&](const Sink& sink) { write_trace_html(document(), sink); });
  const auto data = page.find("\"record\"");
  ASSERT_NE(data, std::string::npos);
  const auto end = page.find("</script>", data);
  ASSERT_NE(end, std::string::npos);
  const auto begin = page.rfind('[', data);
  const auto list = nlohmann::json::parse(page.begin() + static_cast<std::ptrdiff_t>(begin),
                                          page.begin() + static_cast<std::ptrdiff_t>(end));
  EXPECT_EQ(list.size(), 3U);
}

// Fields of a protobuf message: number and, for texts and messages, bytes; for numbers the value.
std::vector<std::pair<std::uint64_t, std::string>> fields(std::string_view bytes) {
  std::vector<std::pair<std::uint64_t, std::string>> found;
  std::size_t at = 0;
  const auto varint = [&] {
    std::uint64_t value = 0;
    for (unsigned shift = 0; at < bytes.size(); shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes[at++]);
      value |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) break;
    }
    return value;
  };
  while (at < bytes.size()) {
    const std::uint64_t tag = varint();
    if ((tag & 7) == 0) {
      found.emplace_back(tag >> 3, std::to_string(varint()));
      continue;
    }
    EXPECT_EQ(tag & 7, 2U);
    const std::uint64_t size = varint();
    found.emplace_back(tag >> 3, bytes.substr(at, size));
    at += size;
  }
  EXPECT_EQ(at, bytes.size());
  return found;
}

TEST_F(TraceDocuments, AsAProfileHaveFiveTypesAndASampleAnOrigin) {
  const std::string packed =
      written([&](const Sink& sink) { write_trace_pprof(document(), sink); });
  std::string plain(1 << 16, '\0');
  z_stream stream{};
  ASSERT_EQ(::inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_out = static_cast<uInt>(plain.size());
  EXPECT_EQ(::inflate(&stream, Z_FINISH), Z_STREAM_END);
  plain.resize(stream.total_out);
  ::inflateEnd(&stream);

  std::size_t types = 0;
  std::size_t samples = 0;
  std::vector<std::string> strings;
  for (const auto& [field, value] : fields(plain)) {
    types += field == 1 ? 1 : 0;
    samples += field == 2 ? 1 : 0;
    if (field == 6) strings.push_back(value);
  }
  EXPECT_EQ(types, 5U);
  EXPECT_EQ(samples, 2U);
  ASSERT_FALSE(strings.empty());
  EXPECT_EQ(strings[0], "") << "the format wants the empty string first";
  for (const char* wanted :
       {"open", "created", "age", "space", "created_space", "kind", "peer", "main", "peer(9)"}) {
    EXPECT_NE(std::ranges::find(strings, wanted), strings.end()) << wanted;
  }
}

}  // namespace
}  // namespace plumb::detect
