// SPDX-License-Identifier: Apache-2.0
// The known layouts of CPython.
#include "detect/symbol/python_layout.h"

namespace plumb::detect {

std::optional<PythonLayout> python_layout(std::uint64_t version) noexcept {
  if (version >> 16U != 0x030b) return std::nullopt;
  PythonLayout layout{};
  layout.runtime_interpreters_head = 40;
  layout.interpreter_next = 0;
  layout.interpreter_threads_head = 16;
  layout.thread_next = 8;
  layout.thread_native_id = 160;
  layout.thread_cframe = 56;
  layout.cframe_current_frame = 8;
  layout.frame_code = 32;
  layout.frame_previous = 48;
  layout.frame_prev_instr = 56;
  layout.frame_is_entry = 68;
  layout.code_filename = 112;
  layout.code_qualname = 128;
  layout.code_first_line = 72;
  layout.code_line_table = 136;
  layout.code_instructions = 184;
  return layout;
}

}  // namespace plumb::detect
