// SPDX-License-Identifier: Apache-2.0
// What a stack of Python frames is made of: where CPython keeps it, and one frame of it as it is
// taken down at the time of an event. Names are read later.
#pragma once

#include <cstdint>

#include "detect/record/address.h"

namespace plumb::detect {

// Byte offsets into the interpreter's structures, by version; for CPython 3.11 from
// Include/internal/pycore_runtime.h, pycore_interp.h, pycore_frame.h and
// Include/cpython/{pystate,code,unicodeobject}.h, release builds for 64-bit Linux.
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

// One frame: enough to name it later, because code objects live as long as the functions that they
// belong to.
struct PythonSample {
  Address code{};         // PyCodeObject
  Address instruction{};  // prev_instr
  bool entry = false;     // the first frame of one run of the C evaluation loop

  friend bool operator==(const PythonSample&, const PythonSample&) = default;
};

}  // namespace plumb::detect
