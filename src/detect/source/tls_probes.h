// SPDX-License-Identifier: Apache-2.0
// TlsProbes: which files' TLS functions are looked into, and in whose calls.
//
// At first only the chosen processes are probed, each in the libraries that it has, so that nobody
// else is slowed. A child, or a program that one of them starts, has none of these probes: with the
// first of either, every file is probed in every process, and the programs sort out whom they
// follow. The probes end with this object. Threads: one.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "detect/record/tls_places.h"
#include "detect/source/bpf_support.h"
#include "detect/source/tls_libraries.h"
#include "plumb/base/ids.h"

struct capture_bpf;

namespace plumb::detect {

// Where in that file its TLS is cheaper to probe than at the functions with names; nothing where
// that is not known.
using FindTlsPlaces = std::function<std::optional<TlsPlaces>(const std::string& path)>;

class TlsProbes {
 public:
  // `programs` stays loaded for as long as this lives.
  TlsProbes(capture_bpf& programs, FindTlsPlaces find)
      : programs_(programs), find_(std::move(find)) {}

  // Looks into what the processes have, and into the system's libraries that one of them has not.
  // Answers with what it could not look into, a sentence each.
  std::vector<std::string> look_into(std::span<const Pid> processes);

  // A followed process has a child, or is another program now, whose number this is: looks into all
  // that is known and all that it has, in everybody. True where that is something new.
  bool look_into_started(Pid process);

 private:
  struct Looked {
    TlsLibrary library;
    std::optional<TlsPlaces> inside{};
    bool tried = false;
    bool by_everybody = false;
    std::vector<BpfLink> links{};  // none, though tried: it has no such functions
  };

  bool attach_to(Looked& looked, int pid);
  bool attach_inside(Looked& looked, int pid);
  bool widen(Looked& looked);
  void tell_programs();

  capture_bpf& programs_;
  FindTlsPlaces find_;
  std::map<FileIdentity, Looked> looked_;
};

}  // namespace plumb::detect
