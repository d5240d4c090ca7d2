// SPDX-License-Identifier: Apache-2.0
// A descriptor costs a readlink, a statx and the three calls of reading its fdinfo; sockets and
// pipes, of which there are most, do without the statx, because their link says it all.
#include "detect/source/descriptor_reader.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "detect/source/classify.h"
#include "detect/source/fdinfo.h"
#include "detect/source/process_files.h"

namespace plumb::detect {
namespace {

// The common lines of an fdinfo, with some locks, are below this.
constexpr std::size_t kCommonInfoLimit = 4096;
constexpr std::uint32_t kDiskBlock = 512;  // the unit of stx_blocks, whatever the file system

bool is_gone(int error) {
  return error == ENOENT || error == ESRCH;
}

bool same_table(std::int32_t one, std::int32_t other) {
  // Where kcmp may not tell, the common case is assumed: threads share one table.
  return ::syscall(SYS_kcmp, one, other, KCMP_FILES, 0, 0) <= 0;
}

}  // namespace

DescriptorReader::DescriptorReader(Survey& survey, const SurveyRequest& request,
                                   const UniqueFd& proc, SocketTable& sockets)
    : survey_(survey), request_(request), sockets_(sockets), filesystems_(proc) {
  struct stat own {};
  // Linux 6.2 (commit f1f1f2569901) counts the table in st_size; before it, the size was 0.
  sizes_told_ = ::fstatat(proc.get(), "self/fd", &own, 0) == 0 && own.st_size > 0;
}

bool DescriptorReader::read(const UniqueFd& directory, ProcessIndex index) {
  const std::size_t before = survey_.descriptors.size();
  const int error = read_table(directory, index, Tid{});
  auto& process = survey_.processes[number(index)];
  const bool dead = process.state == RunState('Z') || process.state == RunState('X');
  if (error == 0 || dead) {
    process.descriptors = static_cast<std::uint32_t>(survey_.descriptors.size() - before);
  } else if (is_gone(error)) {
    return false;
  } else {
    process.error = error;
    struct stat table {};
    if (sizes_told_ && ::fstatat(directory.get(), "fd", &table, 0) == 0) {
      process.descriptors = static_cast<std::uint32_t>(table.st_size);
    }
    return true;
  }
  if (process.thread_count.value_or(1) > 1) read_own_tables_of_threads(directory, index, dead);
  return true;
}

void DescriptorReader::read_own_tables_of_threads(const UniqueFd& directory, ProcessIndex index,
                                                  bool leader_ended) {
  const auto tasks = open_directory(directory, "task");
  if (!tasks || !reader_.list(tasks, threads_)) return;
  const auto leader = number(survey_.processes[number(index)].key.pid);
  // A leader that has ended alone has no table: the group's is the first that a thread holds.
  std::vector<std::int32_t> owners;
  if (!leader_ended) owners.push_back(leader);
  for (const auto tid : threads_) {
    if (tid == leader) continue;
    const bool known = std::any_of(owners.begin(), owners.end(),
                                   [tid](std::int32_t owner) { return same_table(owner, tid); });
    if (known) continue;
    const auto thread = open_directory(tasks, ProcPath(tid).c_str());
    const std::size_t before = survey_.descriptors.size();
    const bool stands_in = owners.empty();
    if (!thread || read_table(thread, index, stands_in ? Tid{} : Tid(tid)) != 0) continue;
    owners.push_back(tid);
    if (!stands_in) continue;
    survey_.processes[number(index)].descriptors =
        static_cast<std::uint32_t>(survey_.descriptors.size() - before);
  }
}

int DescriptorReader::read_table(const UniqueFd& directory, ProcessIndex process, Tid thread) {
  const auto links = open_directory(directory, "fd");
  if (!links) return errno;
  const auto infos = open_directory(directory, "fdinfo");
  if (!reader_.list(links, numbers_)) return reader_.error();
  for (const auto fd : numbers_) {
    Descriptor row;
    row.process = process;
    row.table = thread;
    row.fd = Fd(fd);
    if (read_row({links, infos}, row)) survey_.descriptors.push_back(row);
  }
  return 0;
}

bool DescriptorReader::read_row(const Table& table, Descriptor& row) {
  Look seen;
  if (!look(table, row, seen)) return false;
  if (row.kind == Kind::kUnreadable) return true;
  find_kind(table, row, seen);
  if (!count_only() && !read_info(table, row)) return false;
  name_row(row, seen);
  return true;
}

// Finds out mode, device and inode.
bool DescriptorReader::look(const Table& table, Descriptor& row, Look& seen) {
  const auto link = reader_.link(table.links, ProcPath(number(row.fd)).c_str());
  if (!link && is_gone(reader_.error())) return false;
  if (!link) {
    row.error = reader_.error();
    if (row.error != ENAMETOOLONG) {
      row.kind = Kind::kUnreadable;
      return true;
    }
  }
  seen.link = link.value_or(std::string_view{});
  const auto socket = parse_bracketed_inode(seen.link, "socket");
  const auto pipe = socket ? std::nullopt : parse_bracketed_inode(seen.link, "pipe");
  auto& device = socket ? socket_device_ : pipe_device_;
  if ((!socket && !pipe) || !device) {
    if (!ask_status(table, row, seen)) return false;
    if (socket || pipe) device = Device{row.device_major, row.device_minor};
    return true;
  }
  row.inode = socket ? *socket : *pipe;
  row.mode = socket ? S_IFSOCK | 0777 : S_IFIFO | 0600;
  row.device_major = device->major;
  row.device_minor = device->minor;
  return true;
}

bool DescriptorReader::ask_status(const Table& table, Descriptor& row, Look& seen) {
  struct statx status {};
  // The server of a network file system is not asked: it may be gone for good.
  if (::statx(table.links.get(), ProcPath(number(row.fd)).c_str(), AT_STATX_DONT_SYNC,
              STATX_BASIC_STATS, &status) != 0) {
    if (errno == ENOENT) return false;
    row.error = errno;
    row.kind = Kind::kUnreadable;
    name_row(row, seen);
    return true;
  }
  row.mode = status.stx_mode;
  row.inode = status.stx_ino;
  row.device_major = status.stx_dev_major;
  row.device_minor = status.stx_dev_minor;
  row.rdev_major = status.stx_rdev_major;
  row.rdev_minor = status.stx_rdev_minor;
  row.unlinked = status.stx_nlink == 0;
  if (S_ISREG(status.stx_mode)) {
    row.size = status.stx_size;
    row.disk_bytes = status.stx_blocks * kDiskBlock;
  }
  return true;
}

void DescriptorReader::find_kind(const Table& table, Descriptor& row, const Look& seen) {
  FileFacts facts{.mode = row.mode,
                  .rdev_major = row.rdev_major,
                  .rdev_minor = row.rdev_minor,
                  .name = seen.link};
  if (S_ISREG(row.mode)) {
    const auto& process = survey_.process_of(row);
    facts.filesystem = filesystems_.of(table.links, row.fd, process.key.pid, process.namespaces.mnt,
                                       row.device_major, row.device_minor);
  }
  row.kind = classify(facts);
  // A descriptor of O_PATH to a bound socket's file has the file's path, and no socket.
  if (row.kind == Kind::kSocket && !seen.link.starts_with('/')) find_socket(table, row);
}

void DescriptorReader::find_socket(const Table& table, Descriptor& row) {
  auto index = sockets_.find(row.inode);
  if (!index) {
    // The directory is reached through ourselves, so that a process and a thread read the same.
    const auto path =
        "/proc/self/fd/" + std::to_string(table.links.get()) + "/" + std::to_string(number(row.fd));
    char name[64];
    const ssize_t size = ::getxattr(path.c_str(), "system.sockprotoname", name, sizeof name);
    const std::string_view protocol(name, size > 0 ? static_cast<std::size_t>(size) : 0);
    if (!request_.sockets) {
      const auto meaning = parse_protocol_name(protocol);
      row.kind = classify_socket(meaning.family, meaning.type, meaning.protocol);
      return;
    }
    index = sockets_.add_unlisted(row.inode, protocol);
  }
  const auto& socket = survey_.sockets[number(*index)];
  row.kind = classify_socket(socket.family, socket.type, socket.protocol);
  row.socket = index;
}

bool DescriptorReader::read_info(const Table& table, Descriptor& row) {
  const bool wants_detail = request_.details && has_fdinfo_detail(row.kind);
  const auto text =
      reader_.read(table.infos, ProcPath(number(row.fd)).c_str(),
                   wants_detail ? kFdinfoLimit : kCommonInfoLimit, ProcReader::Short::kIsTheEnd);
  if (!text) {
    if (is_gone(reader_.error())) return false;
    row.error = reader_.error();
    return true;
  }
  const auto common = parse_fdinfo(*text);
  row.position = common.position;
  row.flags = common.flags;
  row.close_on_exec = (common.flags & O_CLOEXEC) != 0;
  if (!wants_detail) return true;

  auto detail = decode_fdinfo(row.kind, *text);
  if (row.kind == Kind::kPty && !detail) {
    const auto pty = pty_of(row.rdev_major, row.rdev_minor);
    if (pty && pty->index) detail = PtyDetail{.index = *pty->index, .master = pty->master};
  }
  if (detail) {
    row.detail = DetailIndex(static_cast<std::uint32_t>(survey_.details.size()));
    survey_.details.push_back(std::move(*detail));
  }
  return true;
}

void DescriptorReader::name_row(Descriptor& row, const Look& seen) {
  if (!request_.names) return;
  NameBuffer buffer;
  row.name = survey_.texts.add(printed_name(row.kind, seen.link, row.unlinked, buffer));
}

}  // namespace plumb::detect
