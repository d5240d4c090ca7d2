// SPDX-License-Identifier: Apache-2.0
// Recordings: what was written is read, bit by bit; newer, damaged, full and hostile files.
#include "detect/record/recording.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <random>

#include "detect/record/recording_writer.h"

namespace plumb::detect {
namespace {

using std::chrono::seconds;

constexpr BootTime kBegan{seconds(1000)};
constexpr std::uint64_t kRoom = 16 * 1024 * 1024;

struct RecordingTest : testing::Test {
  std::string path = testing::TempDir() + "recording." + std::to_string(::getpid()) + ".plumb";
  StackStore stacks;
  TraceRecording trace;

  RecordingTest() {
    Frame frame;
    frame.function = "serve";
    frame.module = "/srv/server";
    frame.line = 12;
    const std::vector<std::byte> id(20, std::byte{0xab});
    frame.build_id = BuildId(id);
    TraceRecord::Site site;
    site.stack = stacks.add(std::vector{stacks.intern(frame)});
    site.kind = Kind::kTcp;
    site.created = 30;
    site.births = {1, 2, 3, 4, 5, 6, 7, 8};
    site.series = {{kBegan + seconds(1), 3}, {kBegan + seconds(2), 5}};
    trace.facts.sites.push_back(site);
    trace.facts.began = kBegan;
    trace.facts.now = trace.facts.judged = kBegan + seconds(60);
    trace.facts.min_age = seconds(2);
    for (int fd = 3; fd < 1003; ++fd) hold(fd);
  }
  ~RecordingTest() override { ::unlink(path.c_str()); }

  void hold(int fd) {
    TraceRecord::Holding holding;
    holding.row.table = TableId{1};
    holding.row.fd = Fd{fd};
    holding.row.file = FileId{0xffff888000000000U + static_cast<std::uint64_t>(fd) * 320};
    holding.row.born = kBegan + seconds(fd % 60);
    holding.row.kind = Kind::kTcp;
    trace.facts.holdings.push_back(holding);
  }
  std::unique_ptr<RecordingWriter> create(std::uint64_t most = kRoom) const {
    auto writer = RecordingWriter::create(path, most);
    EXPECT_TRUE(writer.ok());
    return writer.ok() ? *std::move(writer) : nullptr;
  }
  void write() const { ASSERT_TRUE(create()->write(trace, stacks).ok()); }
  void run(const char* sql) const {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
    sqlite3_close(database);
  }
  std::vector<std::byte> bytes() const {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto all = std::as_bytes(std::span(text));
    return {all.begin(), all.end()};
  }
};

TEST_F(RecordingTest, GivesBackWhatWasWritten) {
  auto writer = create();
  writer->about("plumb", "1.2.3");
  ASSERT_TRUE(writer->write(trace, stacks).ok());
  const auto read = read_recording(path);
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_TRUE(read->missing.empty());
  EXPECT_EQ(read->about.at("plumb"), "1.2.3");
  ASSERT_TRUE(read->trace.has_value());
  const TraceRecord& facts = read->trace->facts;
  ASSERT_EQ(facts.holdings.size(), 1000U);
  EXPECT_EQ(facts.holdings[7].row.file, trace.facts.holdings[7].row.file);
  ASSERT_EQ(facts.sites.size(), 1U);
  EXPECT_EQ(facts.sites[0].births, trace.facts.sites[0].births);
  EXPECT_EQ(facts.sites[0].series.at(1).live, 5U);
  const auto frames = read->stacks.frames(facts.sites[0].stack);
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(read->stacks.frame(frames[0]), stacks.frame(FrameId{0}));
}

TEST_F(RecordingTest, KeepsWhatIsNoDescriptor) {
  trace.facts.holdings.clear();
  trace.named_kinds[Kind::kPair] = "conn";
  trace.kinds = {Kind::kPair, Kind::kTcp};
  trace.facts.sites[0].kind = Kind::kPair;
  trace.facts.sites[0].created_bytes = 4096;
  for (std::uint64_t address = 0x1000; address < 0x1004; ++address) {
    TraceRecord::Holding block;
    block.row.table = TableId{7};
    block.row.fd = kNoFd;
    block.row.file = FileId{address};
    block.row.born = kBegan;
    block.row.call = kNoCall;
    block.row.kind = Kind::kPair;
    block.row.bytes = 64;
    block.row.weight = 1000;
    trace.facts.holdings.push_back(block);
  }
  TraceRecord::Contested again;
  again.row.fd = Fd{5};
  again.opener = SiteIndex{0};
  again.tid = Tid{77};
  again.again = true;
  trace.facts.contested.push_back(again);
  const auto writer = create();
  ASSERT_TRUE(writer->write(trace, stacks).ok());
  trace.facts.holdings.pop_back();
  trace.facts.holdings[1].row.bytes = 128;
  trace.facts.holdings[2].row.ended = true;
  ASSERT_TRUE(writer->write(trace, stacks).ok());
  const auto read = read_recording(path);
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_TRUE(read->missing.empty());
  EXPECT_EQ(read->trace->named_kinds, trace.named_kinds);
  EXPECT_EQ(read->trace->kinds, trace.kinds);
  const TraceRecord& facts = read->trace->facts;
  EXPECT_EQ(facts.sites[0].created_bytes, 4096U);
  ASSERT_EQ(facts.holdings.size(), 3U);
  EXPECT_EQ(facts.holdings[0].row.weight, 1000U);
  EXPECT_EQ(facts.holdings[1].row.bytes, 128U);
  EXPECT_TRUE(facts.holdings[2].row.ended);
  EXPECT_EQ(facts.holdings[2].row.file, FileId{0x1002});
  ASSERT_EQ(facts.contested.size(), 1U);
  EXPECT_EQ(facts.contested[0].opener, SiteIndex{0});
  EXPECT_EQ(facts.contested[0].tid, Tid{77});
  EXPECT_TRUE(facts.contested[0].again);
}

TEST_F(RecordingTest, FactsThatFindNoRoomLeaveTheFileAsItWas) {
  const auto writer = create(512 * 1024);
  ASSERT_TRUE(writer->write(trace, stacks).ok());
  FactSet facts;
  facts.rows = {{"mark", 0, 2, "{}"}, {"mark", 1, 2, "{\"pid\":7}"}};
  DescriptorFact held{kLastLook, Pid{812}, {}, SocketId{0xffff888000000000U}};
  held.row.fd = Fd{9};
  held.row.name = facts.texts.add("/dev/null");
  facts.descriptors.push_back(held);
  SocketFact socket{0, kFirstLook, {}};
  socket.row.id = SocketId{0xffff888000000000U};
  socket.row.local.address[3] = 1;
  facts.sockets.push_back(socket);
  const auto small = writer->put_facts(facts);
  ASSERT_TRUE(small.ok());
  EXPECT_TRUE(*small);
  FactSet large;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    large.rows.push_back({"mark", i, 2, std::string(1000, 'x')});
  }
  const auto full = writer->put_facts(large);
  ASSERT_TRUE(full.ok());
  EXPECT_FALSE(*full);
  EXPECT_TRUE(writer->write(trace, stacks).ok()) << "the recording goes on";
  const auto read = read_recording(path);
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(read->missing.empty());
  ASSERT_EQ(read->facts.rows.size(), 2U);
  EXPECT_EQ(read->facts.rows[1].json, "{\"pid\":7}");
  ASSERT_EQ(read->facts.descriptors.size(), 1U);
  EXPECT_EQ(read->facts.texts.at(read->facts.descriptors[0].row.name), "/dev/null");
  EXPECT_EQ(read->facts.descriptors[0].socket, socket.row.id);
  ASSERT_EQ(read->facts.sockets.size(), 1U);
  EXPECT_EQ(read->facts.sockets[0].row.local, socket.row.local);
}

TEST_F(RecordingTest, FollowsWhatChanges) {
  const auto writer = create();
  ASSERT_TRUE(writer->write(trace, stacks).ok());
  trace.facts.holdings.erase(trace.facts.holdings.begin(), trace.facts.holdings.begin() + 400);
  trace.facts.holdings[0].at_exit = true;
  hold(5000);
  ASSERT_TRUE(writer->write(trace, stacks).ok());
  const auto read = read_recording(path);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->trace->facts.holdings.size(), 601U);
  EXPECT_TRUE(read->trace->facts.holdings[0].at_exit);
  EXPECT_EQ(read->trace->facts.holdings.back().row.fd, Fd{5000});
}

TEST_F(RecordingTest, KeepsAtMost128TimesAndTheCountsOfEach) {
  const auto writer = create();
  for (unsigned i = 0; i <= 1000; ++i) {
    const SiteCount count{SiteIndex{0}, i / 10, i, i / 2};
    writer->sample(kBegan + seconds(i), std::array{count});
    if (i % 3 == 0 || i == 1000) {
      ASSERT_TRUE(writer->write(trace, stacks).ok());
    }
  }
  const auto read = read_recording(path);
  ASSERT_TRUE(read.ok());
  EXPECT_LE(read->samples.size(), 132U);
  EXPECT_GE(read->samples.size(), 60U);
  for (const auto& sample : read->samples) {
    const auto second = std::chrono::duration_cast<seconds>(sample.time - kBegan).count();
    ASSERT_EQ(sample.counts.size(), 1U);
    EXPECT_EQ(sample.counts[0].created, static_cast<std::uint64_t>(second));
    EXPECT_EQ(sample.counts[0].live, static_cast<std::uint64_t>(second / 10));
  }
}

TEST_F(RecordingTest, ANewerFormatIsRefusedWithBothNumbers) {
  write();
  run("PRAGMA user_version=7");
  const auto read = read_recording(path);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, ENOTSUP);
  EXPECT_NE(read.error().message().find("format 7"), std::string::npos);
  EXPECT_NE(read.error().message().find("up to 2"), std::string::npos);
}

TEST_F(RecordingTest, OtherFilesAreRefused) {
  EXPECT_EQ(read_recording(path).error().code, ENOENT);
  std::ofstream(path) << "no database";
  EXPECT_EQ(read_recording(path).error().code, EINVAL);
  ::unlink(path.c_str());
  run("CREATE TABLE t (a)");
  EXPECT_EQ(read_recording(path).error().code, EINVAL);
  ::unlink(path.c_str());
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(read_recording(path).error().code, EINVAL) << "and does not wait for a writer";
}

TEST_F(RecordingTest, ASchemaThatDiffersIsRefused) {
  write();
  run("CREATE VIEW other AS SELECT 1");
  EXPECT_EQ(read_recording(path).error().code, EINVAL);
  run("DROP VIEW other; ALTER TABLE site ADD COLUMN more AS (hex(zeroblob(1000000)))");
  EXPECT_EQ(read_recording(path).error().code, EINVAL);
}

TEST_F(RecordingTest, ACutFileGivesItsBeginning) {
  write();
  const auto whole = bytes();
  auto cut = whole;
  cut.resize(whole.size() * 9 / 10);
  const auto read = read_recording(std::move(cut));
  ASSERT_TRUE(read.ok()) << read.error().message();
  ASSERT_FALSE(read->missing.empty());
  EXPECT_EQ(read->missing.front(), "the end of the file");
}

TEST_F(RecordingTest, ACutFileSaysWhatIsMissingWhereverItIsCut) {
  write();
  const auto whole = bytes();
  std::size_t with_holdings = 0;
  // The schema stands in the first page.
  for (std::size_t size = 4096; size < whole.size(); size += 1500) {
    const auto read = read_recording(
        std::vector(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
    ASSERT_TRUE(read.ok()) << size << ": " << read.error().message();
    EXPECT_FALSE(read->missing.empty()) << size;
    with_holdings += read->trace && !read->trace->facts.holdings.empty();
  }
  EXPECT_GT(with_holdings, 0U);
}

TEST_F(RecordingTest, DamageInTheMiddleCostsOnlyWhatItHits) {
  for (int fd = 5000; fd < 25000; ++fd) hold(fd);
  write();
  auto damaged = bytes();
  // Among the many pages of holdings.
  for (std::size_t i = damaged.size() / 2; i < damaged.size() / 2 + 64; ++i) {
    damaged[i] = std::byte{0xff};
  }
  const std::size_t page = damaged.size() / 2 / 4096 * 4096;
  damaged[page] = std::byte{0};  // no kind of page
  const auto read = read_recording(std::move(damaged));
  ASSERT_TRUE(read.ok()) << read.error().message();
  ASSERT_TRUE(read->trace.has_value());
  EXPECT_GT(read->trace->facts.holdings.size(), 20'000U);
  EXPECT_LT(read->trace->facts.holdings.size(), 21'000U);
  ASSERT_EQ(read->missing.size(), 1U);
  EXPECT_NE(read->missing[0].find("of 21000 rows of table holding"), std::string::npos)
      << read->missing[0];
}

TEST_F(RecordingTest, GrowsNoLargerThanItMayAndKeepsWhatItHad) {
  const auto writer = create(256 * 1024);
  ASSERT_TRUE(writer->write(trace, stacks).ok());
  for (int fd = 5000; fd < 25000; ++fd) hold(fd);
  const auto full = writer->write(trace, stacks);
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().code, EFBIG);
  EXPECT_FALSE(writer->write(trace, stacks).ok()) << "and it stays so";
  EXPECT_LE(bytes().size(), 256U * 1024U);
  const auto read = read_recording(path);
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_TRUE(read->missing.empty());
  EXPECT_EQ(read->trace->facts.holdings.size(), 1000U);
}

// Whatever stands in the file: an answer, in time, and within memory.
TEST_F(RecordingTest, AnyDamageIsAnAnswer) {
  write();
  const auto whole = bytes();
  std::mt19937 random(20240501);
  std::size_t readable = 0;
  for (int turn = 0; turn < 400; ++turn) {
    auto damaged = whole;
    for (unsigned hits = 1 + random() % 8; hits > 0; --hits) {
      damaged[random() % damaged.size()] = static_cast<std::byte>(random());
    }
    if (turn % 5 == 0) damaged.resize(random() % damaged.size());
    readable += read_recording(std::move(damaged)).ok();
  }
  EXPECT_GT(readable, 100U);
}

}  // namespace
}  // namespace plumb::detect
