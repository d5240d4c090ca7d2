// SPDX-License-Identifier: Apache-2.0
// Placing probes on the functions of TLS libraries.
#include "detect/source/tls_probes.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <utility>

// The skeleton needs the types of the object's data.
// clang-format off
#include "detect/source/bpf/capture_abi.h"
#include <capture.skel.h>
// clang-format on

namespace plumb::detect {
namespace {

constexpr int kEverybody = -1;

}  // namespace

// At the places that are cheap.
bool TlsProbes::attach_inside(Looked& looked, int pid) {
  auto& programs = programs_.progs;
  const bool gnutls = looked.library.gnutls;
  const std::array<std::pair<bpf_program*, std::uint64_t>, 2> probes = {
      {{gnutls ? programs.tls_write : programs.tls_write_inside, looked.inside->write},
       {gnutls ? programs.tls_read_record : programs.tls_read_ex, looked.inside->read}}};
  const char* file = looked.library.path.c_str();
  const BpfLog log;
  std::vector<BpfLink> links;
  for (const auto& [entry, at] : probes) {
    bpf_uprobe_opts options{};
    options.sz = sizeof options;
    links.emplace_back(bpf_program__attach_uprobe_opts(entry, pid, file, at, &options));
    options.retprobe = true;
    links.emplace_back(bpf_program__attach_uprobe_opts(programs.tls_done, pid, file, at, &options));
  }
  if (std::ranges::any_of(links, [](const BpfLink& link) { return link == nullptr; })) return false;
  std::ranges::move(links, std::back_inserter(looked.links));
  return true;
}

// True where at least one way out and one way in could be probed.
bool TlsProbes::attach_to(Looked& looked, int pid) {
  if (!looked.tried && find_) looked.inside = find_(looked.library.path);
  looked.tried = true;
  const bool inside = looked.inside && attach_inside(looked, pid);
  auto& programs = programs_.progs;
  struct Probe {
    const char* function;
    bpf_program* entry;
    bool returns;
  };
  const std::array<Probe, 8> probes = {{{"SSL_write", programs.tls_write, true},
                                        {"SSL_read", programs.tls_read, true},
                                        {"SSL_write_ex", programs.tls_write_ex, true},
                                        {"SSL_read_ex", programs.tls_read_ex, true},
                                        {"SSL_free", programs.tls_freed, false},
                                        {"gnutls_record_send", programs.tls_write, true},
                                        {"gnutls_record_recv", programs.tls_read, true},
                                        {"gnutls_deinit", programs.tls_freed, false}}};
  const char* file = looked.library.path.c_str();
  std::size_t attached = inside ? 2 : 0;
  const BpfLog log;  // libbpf complains of every name that is not in the library
  for (const Probe& probe : probes) {
    const bool gnu = std::string_view(probe.function).starts_with("gnutls");
    if (gnu != looked.library.gnutls || (inside && probe.returns)) continue;
    bpf_uprobe_opts options{};
    options.sz = sizeof options;
    options.func_name = probe.function;
    BpfLink entry(bpf_program__attach_uprobe_opts(probe.entry, pid, file, 0, &options));
    if (!entry) continue;
    if (probe.returns) {
      options.retprobe = true;
      BpfLink leave(bpf_program__attach_uprobe_opts(programs.tls_done, pid, file, 0, &options));
      if (!leave) continue;
      looked.links.push_back(std::move(leave));
      ++attached;
    }
    looked.links.push_back(std::move(entry));
  }
  return attached >= 2;
}

// Everybody's probes first, then away with the single ones: no call goes by between them, and one
// that both see is told of once, because its return is taken once.
bool TlsProbes::widen(Looked& looked) {
  if (looked.by_everybody) return false;
  looked.by_everybody = true;
  if (looked.tried && looked.links.empty()) return false;
  std::vector<BpfLink> single = std::exchange(looked.links, {});
  return attach_to(looked, kEverybody);
}

void TlsProbes::tell_programs() {
  const bool armed =
      std::ranges::any_of(looked_, [](const auto& one) { return !one.second.links.empty(); });
  const bool narrow = std::ranges::any_of(looked_, [](const auto& one) {
    return !one.second.by_everybody && !one.second.links.empty();
  });
  if (armed) programs_.bss->tls_armed = 1;
  programs_.bss->tells_children = narrow ? 1 : 0;
}

std::vector<std::string> TlsProbes::look_into(std::span<const Pid> processes) {
  std::vector<std::string> blinds;
  for (TlsLibrary& library : tls_libraries(processes)) {
    const auto [at, fresh] = looked_.try_emplace(library.file);
    Looked& looked = at->second;
    if (fresh) looked.library = library;
    bool attached = !fresh && looked.by_everybody;
    if (library.users.empty()) attached |= widen(looked);
    if (!looked.by_everybody) {
      for (const Pid pid : library.users) attached |= attach_to(looked, number(pid));
    }
    if (!attached && !library.executable) {
      blinds.push_back("what passes through " + library.path + " could not be looked into");
    }
  }
  tell_programs();
  return blinds;
}

bool TlsProbes::look_into_started(Pid process) {
  const std::array<Pid, 1> only{process};
  for (TlsLibrary& library : tls_libraries(only)) {
    const auto [at, fresh] = looked_.try_emplace(library.file);
    if (fresh) at->second.library = std::move(library);
  }
  bool more = false;
  for (auto& [file, looked] : looked_) more |= widen(looked);
  tell_programs();
  return more;
}

}  // namespace plumb::detect
