// SPDX-License-Identifier: Apache-2.0
// PythonLayout: where CPython keeps what a stack of Python frames is made of. Byte offsets into the
// interpreter's structures, by version; for CPython 3.11 from Include/internal/pycore_runtime.h,
// pycore_interp.h, pycore_frame.h and Include/cpython/{pystate,code,unicodeobject}.h, release
// builds for 64-bit Linux. Also the contract for a tracer that walks the frames inside the kernel.
#pragma once

#include <cstdint>
#include <optional>

#include "detect/record/address.h"

namespace plumb::detect {

struct PythonLayout {
  // _PyRuntimeState
  std::uint32_t runtime_interpreters_head;
  // PyInterpreterState
  std::uint32_t interpreter_next;
  std::uint32_t interpreter_threads_head;
  // PyThreadState
  std::uint32_t thread_next;
  std::uint32_t thread_native_id;
  std::uint32_t thread_cframe;
  // _PyCFrame
  std::uint32_t cframe_current_frame;
  // _PyInterpreterFrame
  std::uint32_t frame_code;
  std::uint32_t frame_previous;
  std::uint32_t frame_prev_instr;
  std::uint32_t frame_is_entry;
  // PyCodeObject
  std::uint32_t code_filename;
  std::uint32_t code_qualname;
  std::uint32_t code_first_line;
  std::uint32_t code_line_table;
  std::uint32_t code_instructions;
};

// The layout of a version as Py_Version has it (0x030b02f0 is 3.11.2); nothing for versions other
// than 3.11.
std::optional<PythonLayout> python_layout(std::uint64_t version) noexcept;

// One frame as a tracer can take it down with two reads: enough to name it later, because code
// objects live as long as the functions that they belong to.
struct PythonSample {
  Address code{};         // PyCodeObject
  Address instruction{};  // prev_instr
  bool entry = false;     // the first frame of one run of the C evaluation loop
};

}  // namespace plumb::detect
