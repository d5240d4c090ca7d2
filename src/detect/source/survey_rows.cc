// SPDX-License-Identifier: Apache-2.0
// Turns the iterators' rows into a Survey.
#include "detect/source/survey_rows.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <tuple>

#include "detect/source/classify.h"
#include "detect/source/huge_pages.h"

namespace plumb::detect {
namespace {

constexpr std::uint32_t kPipeFilesystem = 0x50495045;
constexpr std::string_view kAnonymous = "anon_inode:";

// The kernel's own dev_t (include/linux/kdev_t.h), not that of stat(2).
std::uint32_t major_of(std::uint32_t device) {
  return device >> 20;
}
std::uint32_t minor_of(std::uint32_t device) {
  return device & 0xfffff;
}

template <typename Row>
std::optional<Row> take(std::span<const std::byte>& rest) {
  if (rest.size() < sizeof(Row)) return std::nullopt;
  Row row;
  std::memcpy(&row, rest.data(), sizeof row);
  rest = rest.subspan(sizeof row);
  return row;
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The kernel's name of the file, as the links of /proc/PID/fd say it.
class LinkName {
 public:
  LinkName(const survey_file& file, std::string_view text) : name_(text) {
    if (Filesystem(file.magic) == Filesystem::kAnonymousInodes) {
      const std::size_t length = std::min(text.size(), buffer_.size() - kAnonymous.size());
      const auto end = std::copy(kAnonymous.begin(), kAnonymous.end(), buffer_.begin());
      std::copy_n(text.begin(), length, end);
      name_ = {buffer_.data(), kAnonymous.size() + length};
    } else if (file.magic == kPipeFilesystem) {
      name_ = "pipe:";
    } else if (text.empty()) {
      // Not asked for. Whatever has a name at all has a path; only classify() sees this.
      name_ = "/";
    }
  }
  std::string_view view() const { return name_; }

 private:
  std::array<char, 280> buffer_;  // dentry names have at most 255 bytes
  std::string_view name_;
};

Kind kind_of(const survey_file& file, std::string_view link) {
  if (file.head.bits & SURVEY_IS_SOCKET) {
    return classify_socket(file.family, file.type, file.protocol);
  }
  return classify({.mode = file.mode,
                   .rdev_major = major_of(file.rdev),
                   .rdev_minor = minor_of(file.rdev),
                   .filesystem = Filesystem(file.magic),
                   .name = link});
}

Descriptor descriptor_of(const survey_file& file, Kind kind, TextRef name) {
  Descriptor descriptor;
  descriptor.name = name;
  descriptor.fd = Fd(file.fd);
  descriptor.kind = kind;
  descriptor.close_on_exec = (file.head.bits & SURVEY_CLOSE_ON_EXEC) != 0;
  descriptor.unlinked = file.links == 0;
  descriptor.mode = file.mode;
  const bool anonymous =
      Filesystem(file.magic) == Filesystem::kAnonymousInodes || kind == Kind::kPidfd;
  // 6.16 gives anonymous inodes a type that stat(2) still hides: cfd86ef7e8e7 ("anon_inode: use a
  // proper mode internally").
  if (anonymous) descriptor.mode &= ~static_cast<std::uint32_t>(S_IFMT);
  descriptor.flags = file.flags & ~static_cast<std::uint32_t>(O_CLOEXEC);
  if (descriptor.close_on_exec) descriptor.flags |= O_CLOEXEC;
  descriptor.device_major = major_of(file.device);
  descriptor.device_minor = minor_of(file.device);
  descriptor.rdev_major = major_of(file.rdev);
  descriptor.rdev_minor = minor_of(file.rdev);
  descriptor.inode = file.inode;
  descriptor.position = file.position;
  if (!anonymous && S_ISREG(file.mode)) {
    descriptor.size = file.size;
    descriptor.disk_bytes = file.blocks * 512;
  }
  descriptor.file = FileId(file.file);
  return descriptor;
}

}  // namespace

SurveyRows::SurveyRows(const SurveyRequest& request, const Machine& machine)
    : request_(request), processes_(machine.page_bytes), sockets_(machine.began, machine.tick) {
  survey_.source = Survey::Source::kBpf;
  survey_.taken = machine.began;
  if (machine.room != nullptr) {
    survey_.descriptors = machine.room->descriptors();
    survey_.sockets = machine.room->sockets();
  }
  // That room was made for fewer files than there are now does no harm: there is a quarter more.
  if (survey_.descriptors.capacity() == 0) reserve_huge(survey_.descriptors, machine.descriptors);
  if (!request.sockets) return;
  if (survey_.sockets.capacity() == 0) reserve_huge(survey_.sockets, machine.descriptors);
  constexpr std::size_t kShare = 2;  // of all descriptors are sockets, or less
  sockets_.expect(machine.descriptors / kShare);
}

void SurveyRows::add(std::span<const std::byte> rows) {
  while (!rows.empty()) {
    survey_head head;
    if (rows.size() < sizeof head) {
      ++broken_;
      return;
    }
    std::memcpy(&head, rows.data(), sizeof head);
    if (head.length < sizeof head || head.length > rows.size() || head.length % 8 != 0) {
      ++broken_;
      return;
    }
    auto row = rows.first(head.length);
    rows = rows.subspan(head.length);
    if (head.type == SURVEY_FILE) {
      add_file(row);
    } else if (const auto thread = take<survey_thread>(row);
               thread && head.type == SURVEY_THREAD && !settled_ && thread->pid > 0) {
      processes_.add(*thread, survey_.texts);
    } else {
      ++broken_;
    }
  }
}

void SurveyRows::settle_processes() {
  if (settled_) return;
  settled_ = true;
  processes_.settle(survey_);
}

std::span<const Process> SurveyRows::processes() {
  settle_processes();
  return survey_.processes;
}

// Whether the process listed this table already, through another thread that shares it.
bool SurveyRows::seen_before(ProcessIndex process, std::uint64_t table) const {
  return std::ranges::any_of(runs_, [&](const Run& run) {
    return run.process == process && run.address == table && !run.skipped;
  });
}

// Decides what becomes of the rows of the table that begins with this one. False: nothing.
bool SurveyRows::start_run(const survey_file& file) {
  const bool leader = file.tid == file.pid;
  const auto process = processes_.find(survey_, file.pid, file.start);
  Run run{.process = process.value_or(ProcessIndex{}),
          .table = leader ? Tid{} : Tid(file.tid),
          .first = survey_.descriptors.size(),
          .address = file.table,
          .tid = file.tid,
          .skipped = !process};
  const auto& only = request_.only;
  if (!only.empty() && std::ranges::find(only, Pid(file.pid)) == only.end()) run.skipped = true;
  if (!run.skipped && !leader) {
    run.skipped = seen_before(*process, file.table);
    // A leader that has ended alone has no table; its group's is the one that its threads hold.
    const bool stands_in = std::ranges::none_of(
        runs_, [&](const Run& other) { return other.process == *process && !other.skipped; });
    if (stands_in && !processes_.extras()[number(*process)].has_files) run.table = Tid{};
  }
  runs_.push_back(run);
  return !run.skipped;
}

// The row's name and kind; nothing where it goes by a name that never came.
std::optional<KnownNames::Name> SurveyRows::name_of(const survey_file& file,
                                                    std::string_view text) {
  if (file.head.bits & SURVEY_NAME_KNOWN) {
    return known_names_.find(file.name_slot);
  }
  const LinkName link(file, text);
  KnownNames::Name name{.text = {}, .kind = kind_of(file, link.view())};
  if (!request_.names || text.empty()) return name;
  NameBuffer buffer;
  name.text = survey_.texts.add(printed_name(name.kind, link.view(), file.links == 0, buffer));
  known_names_.set(file.name_slot, name);
  return name;
}

void SurveyRows::add_file(std::span<const std::byte> row) {
  settle_processes();
  const auto file = take<survey_file>(row);
  if (!file || file->fd < 0) {
    ++broken_;
    return;
  }
  if (runs_.empty() || runs_.back().tid != file->tid || runs_.back().address != file->table) {
    start_run(*file);
  }
  std::optional<survey_socket> socket;
  if (file->head.bits & SURVEY_HAS_SOCKET) {
    socket = take<survey_socket>(row);
    if (!socket || socket->sock == 0) {
      ++broken_;
      return;
    }
  }
  if (file->text_length > row.size()) {
    ++broken_;
    return;
  }
  const std::string_view text = text_of(row.first(file->text_length));
  // Also of a row that is skipped: others may go by its name.
  const auto name = name_of(*file, socket ? std::string_view{} : text);
  if (!name) {
    ++broken_;
    return;
  }
  const Run& run = runs_.back();
  if (run.skipped) return;
  Descriptor& descriptor =
      survey_.descriptors.emplace_back(descriptor_of(*file, name->kind, name->text));
  descriptor.process = run.process;
  descriptor.table = run.table;
  if (run.table == Tid{}) {
    auto& held = survey_.processes[number(run.process)].descriptors;
    held = held.value_or(0) + 1;
  }
  if (socket) {
    descriptor.socket = sockets_.add(*socket, file->inode, text, survey_);
  }
  if (file->head.bits & SURVEY_NAME_LOST) {
    descriptor.error = ENAMETOOLONG;
    ++names_lost_;
  }
}

// The iterator goes by thread number, the survey by process: where a thread has its own table, its
// run stands too late. Runs are few, so they are sorted and the descriptors moved once.
void SurveyRows::order_runs() {
  const auto key = [](const Run& run) { return std::tuple(run.process, run.table); };
  std::erase_if(runs_, [](const Run& run) { return run.skipped; });
  if (std::ranges::is_sorted(runs_, {}, key)) return;
  struct Piece {
    Run run;
    std::size_t end;
  };
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    const bool last = i + 1 == runs_.size();
    pieces.push_back({runs_[i], last ? survey_.descriptors.size() : runs_[i + 1].first});
  }
  std::ranges::stable_sort(pieces, {}, [&](const Piece& piece) { return key(piece.run); });
  std::vector<Descriptor> ordered;
  ordered.reserve(survey_.descriptors.size());
  for (const Piece& piece : pieces) {
    const auto begin = survey_.descriptors.begin();
    ordered.insert(ordered.end(), begin + static_cast<std::ptrdiff_t>(piece.run.first),
                   begin + static_cast<std::ptrdiff_t>(piece.end));
  }
  survey_.descriptors = std::move(ordered);
}

std::vector<bool> SurveyRows::holders() const {
  std::vector<bool> holds(survey_.processes.size());
  for (const Run& run : runs_) {
    if (!run.skipped) holds[number(run.process)] = true;
  }
  return holds;
}

std::vector<ProcessIndex> SurveyRows::without_descriptors() {
  settle_processes();
  const std::vector<bool> holds = holders();
  std::vector<ProcessIndex> found;
  for (std::uint32_t i = 0; i < holds.size(); ++i) {
    if (!holds[i]) found.push_back(ProcessIndex(i));
  }
  return found;
}

void SurveyRows::leave_out(std::span<const ProcessIndex> gone) {
  if (gone.empty()) return;
  const std::vector<bool> holds = holders();
  std::vector<bool> out(survey_.processes.size());
  for (const ProcessIndex index : gone) out[number(index)] = !holds[number(index)];
  std::vector<std::uint32_t> place(survey_.processes.size());
  std::vector<Process> left;
  for (std::size_t i = 0; i < place.size(); ++i) {
    place[i] = static_cast<std::uint32_t>(left.size());
    if (!out[i]) left.push_back(survey_.processes[i]);
  }
  if (left.size() == survey_.processes.size()) return;
  survey_.processes = std::move(left);
  for (Descriptor& descriptor : survey_.descriptors) {
    descriptor.process = ProcessIndex(place[number(descriptor.process)]);
  }
}

Survey SurveyRows::finish() && {
  settle_processes();
  order_runs();
  sockets_.settle(survey_);
  if (broken_ != 0)
    survey_.losses.push_back({"rows of the iterator", broken_, "they do not parse"});
  if (names_lost_ != 0) {
    survey_.losses.push_back({"names", names_lost_, "longer than 4,096 bytes"});
  }
  return std::move(survey_);
}

}  // namespace plumb::detect
