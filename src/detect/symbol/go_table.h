// SPDX-License-Identifier: Apache-2.0
// GoTable: functions, lines, inlining and frame heights of Go code from .gopclntab, which every Go
// binary carries, stripped or not. Layouts of Go 1.16 to 1.26 (src/runtime/symtab.go): magic
// 0xfffffffa (1.16, 1.17), 0xfffffff0 (1.18, 1.19), 0xfffffff1 (1.20 and later).
//
// Pure and bounded: tables are walked within their bytes, varint programs by their length.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detect/record/address.h"

namespace plumb::detect {

struct GoFrame {
  std::string function;  // as Go prints it in a traceback: type arguments are [...]
  std::string file;
  std::optional<std::uint32_t> line;
  bool inlined = false;
  // Made by the compiler to call another function (a method of an embedded type, a bound method, a
  // go statement's arguments); the runtime leaves these out of its tracebacks.
  bool wrapper = false;
};

class GoTable {
 public:
  // A function of the table; meaningless with another table.
  struct Function {
    ElfAddress entry{};
    ElfAddress end{};
    std::uint32_t record = 0;  // where its _func stands
  };

  // `text_start` is used where the table itself does not say it (Go 1.26 and later). Nothing for
  // bytes that are no table of a known layout for x86-64.
  static std::optional<GoTable> parse(std::vector<std::byte> pclntab, ElfAddress text_start);

  std::optional<Function> find(ElfAddress address) const noexcept;
  // The function of that name as the linker has it ("net/http.(*Transport).dialConn"); walks the
  // whole table, 2 ms for 30,000 functions.
  std::optional<Function> find_named(std::string_view name) const noexcept;
  std::string_view name(const Function& function) const noexcept;

  // Bytes from rsp to the return address at `address`.
  std::optional<std::uint64_t> height(const Function& function, ElfAddress address) const noexcept;

  // Whether stacks end here: goexit and the runtime's entry points and stack switches.
  bool outermost(const Function& function) const noexcept;

  // The frames at an address, innermost first; the last is the function itself. Inlined ones appear
  // only after use_inline_data().
  std::vector<GoFrame> frames(ElfAddress address) const;

  // `go_func` are the bytes that function data counts from (go:func.*, moduledata.gofunc). Returns
  // the share of up to 200 inlining trees that make sense there, from 0 to 1, and keeps the bytes
  // if more than nine of ten do.
  double use_inline_data(std::vector<std::byte> go_func);

  std::size_t size() const noexcept { return count_; }

 private:
  enum class Layout : std::uint8_t { kGo116, kGo118, kGo120 };
  struct Record {  // the parts of runtime._func that are needed
    std::uint32_t name = 0, pcsp = 0, pcfile = 0, pcln = 0, cu = 0;
    std::uint32_t pcdata_count = 0, funcdata_count = 0;
    std::uint8_t function_id = 0;  // funcID of the runtime's special functions
    std::size_t pcdata_at = 0;
  };
  struct InlinedCall {
    std::uint32_t name = 0;
    std::uint32_t parent_pc = 0;  // offset from the outer function's entry
    std::uint8_t function_id = 0;
  };

  GoTable() = default;
  bool read_header(ElfAddress text_start);
  void find_special();
  void find_wrappers();
  Function at(std::size_t index) const noexcept;
  std::optional<Record> record(const Function& function) const noexcept;
  std::string_view name_at(std::uint32_t offset) const noexcept;
  std::optional<std::int64_t> value(std::uint32_t program, const Function& function,
                                    ElfAddress address) const noexcept;
  std::string_view file(const Record& record, std::int64_t number) const noexcept;
  std::optional<std::uint32_t> inline_tree(const Record& record) const noexcept;
  std::optional<InlinedCall> inlined(std::span<const std::byte> go_func, std::uint32_t tree,
                                     std::int64_t index) const noexcept;
  bool sound_tree(std::span<const std::byte> go_func, const Function& function) const noexcept;

  std::vector<std::byte> bytes_;
  std::vector<std::byte> go_func_;
  Layout layout_ = Layout::kGo120;
  std::uint64_t quantum_ = 1;
  ElfAddress text_start_{};
  std::size_t count_ = 0;
  std::size_t names_at_ = 0, cu_at_ = 0, files_at_ = 0, pctab_at_ = 0, functab_at_ = 0;
  std::vector<ElfAddress> outermost_;  // entries, sorted
  std::uint8_t wrapper_id_ = 0;        // funcID_wrapper, which differs between versions; 0: unknown
};

// A symbol's name as the runtime prints it: f[go.shape.int_0] becomes f[...].
std::string go_printed_name(std::string_view name);

}  // namespace plumb::detect
