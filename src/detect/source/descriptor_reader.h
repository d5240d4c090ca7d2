// SPDX-License-Identifier: Apache-2.0
// Reads the descriptors of a process from /proc/PID/fd and /proc/PID/fdinfo into rows of a survey.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "detect/record/survey.h"
#include "detect/source/filesystems.h"
#include "detect/source/proc_reader.h"
#include "detect/source/socket_table.h"

namespace plumb::detect {

// Threads: one. Must not outlive the survey, nor what it is given.
class DescriptorReader {
 public:
  DescriptorReader(Survey& survey, const SurveyRequest& request, const UniqueFd& proc,
                   SocketTable& sockets);

  // Adds the descriptors of the process; `directory` is its /proc/PID. What cannot be listed is
  // said in Process::error. Tables of threads that left their group's come after the group's.
  // False where the process has died meanwhile.
  bool read(const UniqueFd& directory, ProcessIndex index);

 private:
  // The open directories fd and fdinfo of a process or thread.
  struct Table {
    const UniqueFd& links;
    const UniqueFd& infos;
  };
  // What the kernel shows of every descriptor, however it was found out.
  struct Look {
    std::string_view link;    // empty where the kernel would not print it
    std::uint32_t links = 1;  // st_nlink
    std::uint64_t size = 0;
    std::uint64_t disk_bytes = 0;
  };

  // The errno that kept the table from being listed, or 0.
  int read_table(const UniqueFd& directory, ProcessIndex process, Tid thread);
  void read_own_tables_of_threads(const UniqueFd& directory, ProcessIndex process,
                                  bool leader_ended);
  // Each fills its part of the row; false where the descriptor was closed meanwhile.
  bool read_row(const Table& table, Descriptor& row);
  bool look(const Table& table, Descriptor& row, Look& look);
  bool ask_status(const Table& table, Descriptor& row, Look& look);
  bool read_info(const Table& table, Descriptor& row);
  void find_kind(const Table& table, Descriptor& row, const Look& look);
  void find_socket(const Table& table, Descriptor& row);
  void name_row(Descriptor& row, const Look& look);
  bool count_only() const { return !request_.names && !request_.sockets && !request_.details; }

  Survey& survey_;
  const SurveyRequest& request_;
  SocketTable& sockets_;
  Filesystems filesystems_;
  ProcReader reader_;
  std::vector<std::int32_t> numbers_;
  std::vector<std::int32_t> threads_;
  bool sizes_told_ = false;  // whether stat(2) of /proc/PID/fd counts descriptors
  // All sockets stand on one device and all pipes on one: asked for once.
  struct Device {
    std::uint32_t major = 0;
    std::uint32_t minor = 0;
  };
  std::optional<Device> socket_device_;
  std::optional<Device> pipe_device_;
};

}  // namespace plumb::detect
