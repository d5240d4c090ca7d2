// SPDX-License-Identifier: Apache-2.0
// From the iterators' rows to a Survey, without a kernel.
#include "detect/source/survey_rows.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <chrono>
#include <string>
#include <vector>

#include "row_bytes.h"

namespace plumb::detect {
namespace {

using namespace std::chrono_literals;

constexpr SurveyRows::Machine kMachine{.began = BootTime(1000s), .tick = 4ms, .page_bytes = 4096};

Survey survey_of(const RowBytes& bytes, const SurveyRequest& request = {}) {
  SurveyRows rows(request, kMachine);
  rows.add(bytes.span());
  return std::move(rows).finish();
}

survey_file file_row(int pid, int fd, std::uint32_t mode = S_IFREG | 0600) {
  survey_file row{};
  row.pid = row.tid = pid;
  row.fd = fd;
  row.mode = mode;
  row.links = 1;
  row.table = static_cast<std::uint64_t>(pid) * 4096;
  row.file = row.table + static_cast<std::uint64_t>(fd) + 1;
  return row;
}

survey_socket socket_row(std::uint64_t sock, std::uint16_t family, std::uint8_t state) {
  survey_socket row{};
  row.sock = sock;
  row.family = family;
  row.type = SOCK_STREAM;
  row.state = state;
  return row;
}

survey_file socket_file(int pid, int fd, const survey_socket& socket) {
  survey_file row = file_row(pid, fd, S_IFSOCK | 0777);
  row.family = socket.family;
  row.type = socket.type;
  row.protocol = socket.protocol;
  return row;
}

TEST(SurveyRows, OrdersProcessesAndTheirThreads) {
  survey_thread worker{};
  worker.pid = 10;
  worker.tid = 30;
  worker.head.bits = SURVEY_IN_SYSCALL;
  worker.state = 1;
  worker.call = 202;
  worker.args[0] = 0x1234;
  RowBytes bytes;
  bytes.process(20).thread(worker, "worker").process(10);
  const Survey survey = survey_of(bytes);
  ASSERT_EQ(survey.processes.size(), 2u);
  EXPECT_EQ(survey.processes[0].key, (ProcessKey{Pid(10), Ticks(100)}));
  EXPECT_EQ(survey.processes[1].key.pid, Pid(20));
  ASSERT_EQ(survey.processes[0].listed_threads, 2u);
  const Thread& leader = survey.threads[survey.processes[0].first_thread];
  EXPECT_EQ(leader.tid, Tid(10));
  EXPECT_FALSE(leader.waits_in);
  const Thread& second = survey.threads[survey.processes[0].first_thread + 1];
  EXPECT_EQ(survey.texts.at(second.name), "worker");
  EXPECT_EQ(second.state, RunState('S'));
  ASSERT_TRUE(second.waits_in);
  EXPECT_EQ(second.waits_in->number, 202);
  EXPECT_EQ(second.waits_in->args[0], 0x1234u);
}

TEST(SurveyRows, TellsTheStatesOfProc) {
  EXPECT_EQ(run_state(0, 0), RunState('R'));
  EXPECT_EQ(run_state(1, 0), RunState('S'));
  EXPECT_EQ(run_state(2, 0), RunState('D'));
  EXPECT_EQ(run_state(0x402, 0), RunState('I'));
  EXPECT_EQ(run_state(0x104, 0), RunState('T'));
  EXPECT_EQ(run_state(8, 0), RunState('t'));
  EXPECT_EQ(run_state(0x80, 0x10), RunState('X'));
  EXPECT_EQ(run_state(0x80, 0x20), RunState('Z'));
  EXPECT_EQ(run_state(0x2001, 0), RunState('S'));  // freezable sleep
  EXPECT_EQ(run_state(0x8000, 0), RunState('D'));  // frozen
}

TEST(SurveyRows, ReadsAFile) {
  survey_file row = file_row(10, 3);
  row.head.bits = SURVEY_CLOSE_ON_EXEC;
  row.flags = O_RDWR;
  row.device = 254U << 20 | 7;
  row.links = 0;
  row.size = 4097;
  row.blocks = 16;
  row.position = 12;
  row.inode = 99;
  RowBytes bytes;
  bytes.process(10).file(row, "/tmp/gone (deleted)");
  const Survey survey = survey_of(bytes);
  ASSERT_EQ(survey.descriptors.size(), 1u);
  const Descriptor& descriptor = survey.descriptors[0];
  EXPECT_EQ(descriptor.kind, Kind::kFile);
  EXPECT_EQ(survey.texts.at(descriptor.name), "/tmp/gone");
  EXPECT_TRUE(descriptor.unlinked);
  EXPECT_TRUE(descriptor.close_on_exec);
  EXPECT_EQ(descriptor.flags, static_cast<std::uint32_t>(O_RDWR | O_CLOEXEC));
  EXPECT_EQ(descriptor.device_major, 254u);
  EXPECT_EQ(descriptor.device_minor, 7u);
  EXPECT_EQ(descriptor.disk_bytes, 8192u);
  EXPECT_EQ(descriptor.size, 4097u);
  EXPECT_EQ(descriptor.inode, 99u);
  EXPECT_EQ(survey.processes[0].descriptors, 1u);
}

// Rows of the same name after the first have only its slot.
TEST(SurveyRows, FindsNamesThatAnEarlierRowHad) {
  const auto named = [](int fd, std::uint32_t slot, bool known) {
    survey_file row = file_row(10, fd);
    row.name_slot = slot;
    if (known) row.head.bits = SURVEY_NAME_KNOWN;
    return row;
  };
  RowBytes bytes;
  bytes.process(10)
      .file(named(3, 5, false), "/a")
      .file(named(4, SURVEY_NAME_SLOTS - 1, false), "/b")
      .file(named(5, 5, true))
      .file(named(6, SURVEY_NAME_SLOTS - 1, true))
      .file(named(7, 5, false), "/memfd:c (deleted)")
      .file(named(8, 5, true))
      .file(named(9, 6, true))
      .file(named(10, SURVEY_NAME_SLOTS, true));
  const Survey survey = survey_of(bytes);
  std::vector<std::string_view> names;
  for (const Descriptor& d : survey.descriptors) names.push_back(survey.texts.at(d.name));
  EXPECT_EQ(names,
            (std::vector<std::string_view>{"/a", "/b", "/a", "/b", names.at(4), names.at(4)}));
  EXPECT_EQ(survey.descriptors.at(5).kind, survey.descriptors.at(4).kind);
  ASSERT_EQ(survey.losses.size(), 1u);  // nobody named the last two's slots
  EXPECT_EQ(survey.losses[0].count, 2u);
}

TEST(SurveyRows, KnowsNamesOfRowsThatItSkips) {
  survey_file stranger = file_row(99, 3), known = file_row(10, 3);
  known.head.bits = SURVEY_NAME_KNOWN;
  RowBytes bytes;
  bytes.process(10).file(stranger, "/a").file(known);
  const Survey survey = survey_of(bytes);
  ASSERT_EQ(survey.descriptors.size(), 1u);
  EXPECT_EQ(survey.texts.at(survey.descriptors[0].name), "/a");
}

TEST(SurveyRows, HidesTheModeOfAnonymousInodes) {
  survey_file row = file_row(10, 3);
  row.magic = 0x09041934;
  RowBytes bytes;
  bytes.process(10).file(row, "[eventpoll]");
  const Survey survey = survey_of(bytes);
  ASSERT_EQ(survey.descriptors.size(), 1u);
  EXPECT_EQ(survey.descriptors[0].kind, Kind::kEpoll);
  EXPECT_EQ(survey.descriptors[0].mode, 0600u);
  EXPECT_EQ(survey.texts.at(survey.descriptors[0].name), "[eventpoll]");
}

TEST(SurveyRows, TellsKindsWithoutNames) {
  survey_file pipe = file_row(10, 3, S_IFIFO | 0600), memfd = file_row(10, 5);
  pipe.magic = 0x50495045;
  memfd.magic = 0x01021994;
  RowBytes bytes;
  bytes.process(10)
      .file(pipe)
      .file(file_row(10, 4, S_IFIFO | 0600))
      .file(memfd, "memfd:x")
      .file(file_row(10, 6));
  const SurveyRequest request{.names = false};
  const Survey survey = survey_of(bytes, request);
  std::vector<Kind> kinds;
  for (const Descriptor& descriptor : survey.descriptors) kinds.push_back(descriptor.kind);
  EXPECT_EQ(kinds, (std::vector{Kind::kPipe, Kind::kFifo, Kind::kMemfd, Kind::kFile}));
}

TEST(SurveyRows, KeepsASharedSocketOnce) {
  const survey_socket socket = socket_row(0x1000, AF_UNIX, 1);
  RowBytes bytes;
  bytes.process(10).process(11);
  bytes.file(socket_file(10, 3, socket), "/run/a", socket);
  bytes.file(socket_file(11, 7, socket), "/run/a", socket);
  const Survey survey = survey_of(bytes);
  ASSERT_EQ(survey.sockets.size(), 1u);
  EXPECT_EQ(survey.texts.at(survey.sockets[0].path), "/run/a");
  ASSERT_EQ(survey.descriptors.size(), 2u);
  EXPECT_EQ(survey.descriptors[0].socket, SocketIndex(0));
  EXPECT_EQ(survey.descriptors[1].socket, SocketIndex(0));
  EXPECT_EQ(survey.descriptors[1].kind, Kind::kUnix);
}

TEST(SurveyRows, FindsTheListenerOfAWaitingPeer) {
  survey_socket client = socket_row(0x1000, AF_UNIX, 1);
  client.peer = 0x3000;
  client.peer_address = 0xa000;
  client.bits = SURVEY_PEER_IN_QUEUE;
  survey_socket listener = socket_row(0x2000, AF_UNIX, 10);
  listener.address = 0xa000;
  listener.accept_queue = 1;
  listener.backlog = 128;
  RowBytes bytes;
  bytes.process(10)
      .file(socket_file(10, 3, client), {}, client)
      .file(socket_file(10, 4, listener), {"\0abstract", 9}, listener);
  const Survey survey = survey_of(bytes);
  ASSERT_EQ(survey.sockets.size(), 2u);
  EXPECT_TRUE(survey.sockets[0].peer_in_queue);
  EXPECT_EQ(survey.sockets[0].peer, SocketId(0x3000));
  EXPECT_EQ(survey.sockets[0].listener, SocketId(0x2000));
  EXPECT_EQ(survey.sockets[1].accept_queue, 1u);
  EXPECT_EQ(survey.sockets[1].backlog, 128u);
  EXPECT_EQ(survey.sockets[1].receive_queue, std::nullopt);
  EXPECT_EQ(survey.texts.at(survey.sockets[1].path), std::string_view("\0abstract", 9));
}

TEST(SurveyRows, TurnsJiffiesIntoMoments) {
  survey_socket socket = socket_row(0x1000, AF_INET, 8);
  socket.protocol = 6;
  socket.bits = SURVEY_TCP_TIMES | SURVEY_TCP_SENT;
  socket.now = 100;  // the counter has just wrapped
  socket.last_sent = 0xffff'fff0;
  socket.last_received = 50;
  socket.local_port = 8080;
  RowBytes bytes;
  bytes.process(10).file(socket_file(10, 3, socket), {}, socket);
  const Survey survey = survey_of(bytes);
  ASSERT_EQ(survey.sockets.size(), 1u);
  EXPECT_EQ(survey.sockets[0].last_sent, BootTime(1000s - 116 * 4ms));
  EXPECT_EQ(survey.sockets[0].last_received, std::nullopt);
  EXPECT_EQ(survey.sockets[0].state, SocketState::kCloseWait);
  EXPECT_EQ(survey.sockets[0].local.port, 8080);
}

TEST(SurveyRows, LeavesOutWhatIsNotOfTheProcess) {
  survey_file reused = file_row(10, 3);
  reused.start = 2'000'000'000;
  RowBytes bytes;
  bytes.process(10).file(reused).file(file_row(12, 3));
  const Survey survey = survey_of(bytes);
  EXPECT_TRUE(survey.descriptors.empty());
  EXPECT_TRUE(survey.losses.empty());
}

TEST(SurveyRows, KeepsToTheProcessesAskedFor) {
  RowBytes bytes;
  bytes.process(10).process(11).file(file_row(10, 3)).file(file_row(11, 3));
  const SurveyRequest request{.only = {Pid(11)}};
  const Survey survey = survey_of(bytes, request);
  ASSERT_EQ(survey.descriptors.size(), 1u);
  EXPECT_EQ(survey.process_of(survey.descriptors[0]).key.pid, Pid(11));
}

TEST(SurveyRows, PutsTheTablesOfThreadsBesideTheirProcess) {
  survey_file own = file_row(10, 5), same = file_row(10, 5);
  own.tid = 30;
  own.table = 0x77;
  same.tid = 31;  // shares thread 30's table
  same.table = 0x77;
  RowBytes bytes;
  bytes.process(10).process(20).file(file_row(10, 3)).file(file_row(20, 3)).file(own).file(same);
  const Survey survey = survey_of(bytes);
  ASSERT_EQ(survey.descriptors.size(), 3u);
  EXPECT_EQ(survey.descriptors[1].table, Tid(30));
  EXPECT_EQ(survey.descriptors[1].process, ProcessIndex(0));
  EXPECT_EQ(survey.descriptors[2].process, ProcessIndex(1));
  EXPECT_EQ(survey.processes[0].descriptors, 1u);
}

TEST(SurveyRows, TakesTheThreadsTableWhereTheLeaderHasEnded) {
  survey_thread leader{};
  leader.pid = leader.tid = 10;
  leader.start = 1'000'000'000;
  leader.exit_state = 0x20;
  leader.head.bits = SURVEY_LEADER;
  survey_file first = file_row(10, 5), second = file_row(10, 5);
  first.tid = 30;
  second.tid = 31;
  RowBytes bytes;
  bytes.thread(leader).file(first).file(second);
  const Survey survey = survey_of(bytes);
  ASSERT_EQ(survey.descriptors.size(), 1u);
  EXPECT_EQ(survey.descriptors[0].table, Tid{});
}

TEST(SurveyRows, LeavesOutTheDead) {
  const SurveyRequest request;
  SurveyRows rows(request, kMachine);
  RowBytes bytes;
  bytes.process(10).process(11).file(file_row(11, 3));
  rows.add(bytes.span());
  const auto empty = rows.without_descriptors();
  ASSERT_EQ(empty, (std::vector{ProcessIndex(0)}));
  rows.leave_out(empty);
  const Survey survey = std::move(rows).finish();
  ASSERT_EQ(survey.processes.size(), 1u);
  EXPECT_EQ(survey.process_of(survey.descriptors[0]).key.pid, Pid(11));
}

TEST(SurveyRows, KeepsOneThatHoldsOnlyThroughAThreadsTable) {
  survey_file own = file_row(10, 5);
  own.tid = 30;
  const SurveyRequest request;
  SurveyRows rows(request, kMachine);
  RowBytes bytes;
  bytes.process(10).process(20).file(own);
  rows.add(bytes.span());
  EXPECT_EQ(rows.without_descriptors(), (std::vector{ProcessIndex(1)}));
  rows.leave_out(std::vector{ProcessIndex(0), ProcessIndex(1)});
  const Survey survey = std::move(rows).finish();
  ASSERT_EQ(survey.processes.size(), 1u);
  ASSERT_EQ(survey.descriptors.size(), 1u);
  EXPECT_EQ(survey.process_of(survey.descriptors[0]).key.pid, Pid(10));
}

TEST(SurveyRows, CountsWhatDoesNotParse) {
  RowBytes bytes;
  bytes.process(10).file(file_row(10, 3), "/a");
  std::vector<std::byte> cut(bytes.span().begin(), bytes.span().end());
  cut.resize(cut.size() - 8);
  const SurveyRequest request;
  SurveyRows rows(request, kMachine);
  rows.add(cut);
  const Survey survey = std::move(rows).finish();
  EXPECT_TRUE(survey.descriptors.empty());
  ASSERT_EQ(survey.losses.size(), 1u);
  EXPECT_EQ(survey.losses[0].count, 1u);
}

TEST(SurveyRows, CountsNamesThatAreTooLong) {
  survey_file row = file_row(10, 3);
  row.head.bits = SURVEY_NAME_LOST;
  RowBytes bytes;
  bytes.process(10).file(row).file(file_row(10, 4), std::string(4095, 'a'));
  const Survey survey = survey_of(bytes);
  ASSERT_EQ(survey.descriptors.size(), 2u);
  EXPECT_EQ(survey.descriptors[1].name.length, 4095u);
  ASSERT_EQ(survey.losses.size(), 1u);
  EXPECT_EQ(survey.losses[0].what, "names");
}

}  // namespace
}  // namespace plumb::detect
