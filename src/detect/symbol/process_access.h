// SPDX-License-Identifier: Apache-2.0
// ProcessAccess: the edge between the symbol folder and a running process: its maps, the files that
// it has mapped, its memory. Tests and replays put their own in place of /proc.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "detect/record/address.h"
#include "detect/symbol/image.h"
#include "detect/symbol/maps.h"
#include "plumb/base/ids.h"
#include "plumb/base/result.h"

namespace plumb::detect {

class ProcessAccess {
 public:
  virtual ~ProcessAccess() = default;

  // The text of /proc/PID/maps. Errors: ESRCH or ENOENT when the process is gone, EACCES.
  virtual Result<std::string> maps(Pid process) const = 0;

  // The file behind a mapping, or the mapping itself for [vdso]. Errors: of open; ESTALE when the
  // name leads to another file by now; ENOENT for anonymous memory.
  virtual Result<std::unique_ptr<ImageSource>> image(Pid process, const Mapping& mapping) const = 0;

  // A file by its name in the process's own root and mount namespace.
  virtual Result<std::unique_ptr<FileImage>> file(Pid process, const std::string& path) const = 0;

  // Reads the process's memory; how many bytes from the front could be had.
  virtual std::size_t read_memory(Pid process, Address from, std::span<std::byte> into) const = 0;

  // Reads many pieces at once; `got` of each says how many bytes from its front could be had.
  struct Piece {
    Address from{};
    std::span<std::byte> into;
    std::size_t got = 0;
  };
  virtual void read_pieces(Pid process, std::span<Piece> pieces) const;
};

// The real one: /proc and process_vm_readv. Stateless.
class ProcAccess : public ProcessAccess {
 public:
  Result<std::string> maps(Pid process) const override;
  Result<std::unique_ptr<ImageSource>> image(Pid process, const Mapping& mapping) const override;
  Result<std::unique_ptr<FileImage>> file(Pid process, const std::string& path) const override;
  std::size_t read_memory(Pid process, Address from, std::span<std::byte> into) const override;
  // Up to 1,024 pieces a system call.
  void read_pieces(Pid process, std::span<Piece> pieces) const override;
};

}  // namespace plumb::detect
