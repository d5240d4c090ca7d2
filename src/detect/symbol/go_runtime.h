// SPDX-License-Identifier: Apache-2.0
// GoRuntime: where a running Go process keeps what plumb reads of it. No symbol table is needed:
// the function names of .gopclntab lead to functions of the runtime, their code leads to its
// variables, and what stands there is judged by whether it makes sense. Where code does not lead
// there, the writable data are searched for the same sense.
//
// Threads: one at a time. The view must outlive it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "detect/symbol/go_layout.h"
#include "detect/symbol/go_raw.h"
#include "detect/symbol/go_stack.h"
#include "detect/symbol/process_view.h"
#include "plumb/base/result.h"

namespace plumb::detect {

class GoRuntime {
 public:
  // Errors: ENOEXEC where the process runs no Go that plumb can read (1.16 or older among them);
  // ENOTSUP where it does, but its list of goroutines was not found, with what still works; EPERM
  // where its memory may not be read.
  static Result<GoRuntime> find(ProcessView& process);

  ProcessView& process() const { return *process_; }
  const Module& module() const { return *module_; }
  GoCode& code() const { return *code_; }
  const GoLayout& layout() const { return layout_; }
  const std::string& version() const { return version_; }
  const std::string& layout_source() const { return layout_source_; }
  // Of runtime.allgs, a slice of pointers.
  Address goroutines() const { return goroutines_; }
  const std::vector<std::string>& wait_reasons() const { return wait_reasons_; }

  bool read(Address from, std::span<std::byte> into) const;
  template <typename T>
  std::optional<T> read(Address from) const {
    T value{};
    if (!read(from, std::as_writable_bytes(std::span(&value, 1)))) return std::nullopt;
    return value;
  }
  // The slice header at an address, read until two readings agree; nothing where it makes no sense
  // as a slice of at most kMostGoroutines pointers.
  struct Slice {
    Address data{};
    std::uint64_t length = 0;
    std::uint64_t capacity = 0;
    friend bool operator==(const Slice&, const Slice&) = default;
  };
  static constexpr std::uint64_t kMostGoroutines = 1ULL << 24U;
  std::optional<Slice> slice(Address at) const;

 private:
  GoRuntime(ProcessView& process, const Module& module, std::uint64_t bias);
  std::vector<Address> references_of(std::string_view function) const;
  std::string text(Address string_header, std::size_t most) const;
  void find_version();
  std::vector<std::pair<GoLayout, std::string>> layouts() const;
  bool find_goroutines();
  bool holds_goroutines(Address at, const GoLayout& layout);
  void find_wait_reasons();
  // Calls visit(address, words) for the writable data, piece by piece, each with an overlap of
  // `overlap` words; ends when it returns true.
  template <typename Visit>
  bool search_data(std::size_t overlap, Visit visit) const;

  ProcessView* process_;
  const Module* module_;
  std::unique_ptr<GoCode> code_;
  GoLayout layout_;
  std::string layout_source_;
  std::string version_;
  Address goroutines_{};
  std::vector<std::string> wait_reasons_;
};

}  // namespace plumb::detect
