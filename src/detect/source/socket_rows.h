// SPDX-License-Identifier: Apache-2.0
// SocketRows: the sockets that came with descriptor rows, each kept once. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "detect/record/survey.h"
#include "detect/source/address_map.h"
#include "detect/source/bpf/survey_abi.h"

namespace plumb::detect {

class SocketRows {
 public:
  // `began` is when the iterator was started, `tick` how long a jiffy lasts.
  SocketRows(BootTime began, std::chrono::nanoseconds tick) : began_(began), tick_(tick) {}

  // About so many will come.
  void expect(std::size_t sockets) { known_.reserve(sockets); }
  // The socket's place in Survey::sockets; the first row of a socket is the one that is kept.
  SocketIndex add(const survey_socket& row, std::uint64_t inode, std::string_view path,
                  Survey& survey);
  // Finds the listeners of the peers that no process has accepted. Call once, after the last add().
  void settle(Survey& survey) const;

 private:
  struct Waiting {
    SocketIndex socket;
    std::uint64_t address;
  };
  BootTime when(std::uint32_t jiffy, std::uint32_t now);

  BootTime began_;
  std::chrono::nanoseconds tick_;
  std::optional<std::uint32_t> first_now_;  // the jiffy of began_
  AddressMap known_;                        // struct sock -> index
  AddressMap listeners_;                    // unix_address -> index of the listener bound to it
  std::vector<Waiting> waiting_;
};

}  // namespace plumb::detect
