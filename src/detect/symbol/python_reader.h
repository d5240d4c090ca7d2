// SPDX-License-Identifier: Apache-2.0
// PythonReader: the Python frames of a thread of a CPython process, read from its memory.
//
// The process runs on meanwhile, so a walk may meet frames that are being reused; every pointer is
// checked by reading, every length is bounded, and what makes no sense ends the stack. A tracer
// that wants the frames of the moment of an event takes PythonSamples down in the kernel and has
// them named here.
//
// Threads: one at a time. The view must outlive the reader.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "detect/record/frame.h"
#include "detect/symbol/process_view.h"
#include "detect/symbol/python_layout.h"
#include "plumb/base/ids.h"

namespace plumb::detect {

class PythonReader {
 public:
  static constexpr std::size_t kMostFrames = 128;
  static constexpr std::size_t kMostThreads = 4096;

  // Nothing when the process is no CPython that plumb knows: no _PyRuntime, or another version.
  static std::optional<PythonReader> find(ProcessView& process);

  const std::string& module() const noexcept { return module_; }  // the file with the interpreter
  const PythonLayout& layout() const noexcept { return layout_; }
  Address runtime() const noexcept { return runtime_; }  // of _PyRuntime

  // PyThreadState of a thread, by the number that gettid(2) gives it in its own pid namespace.
  std::optional<Address> thread_state(Tid own_number) const;

  // The frames of a thread now, innermost first.
  std::vector<PythonSample> sample(Tid own_number) const;

  // The names of frames, kept by code object. To be asked for at once: a module's code object is
  // freed when it has run to its end. None when the process is gone.
  std::vector<Frame> names(const std::vector<PythonSample>& samples);

 private:
  struct Code {
    // A freed code object's memory becomes another's: the cache holds while these are the same.
    struct Key {
      Address name{};
      Address file{};
      Address table{};
      std::uint32_t first_line = 0;
      friend bool operator==(const Key&, const Key&) = default;
    };
    Key key;
    std::string qualified_name;
    std::string file;
    std::vector<std::byte> line_table;
  };

  PythonReader(ProcessView& process, std::string module, Address runtime,
               const PythonLayout& layout)
      : process_(&process), module_(std::move(module)), runtime_(runtime), layout_(layout) {}

  template <typename T>
  std::optional<T> read(Address at) const;
  std::string text(Address unicode_object) const;
  const Code& code(Address at);
  Frame name(const PythonSample& sample);

  ProcessView* process_;
  std::string module_;
  Address runtime_;
  PythonLayout layout_;
  std::unordered_map<std::uint64_t, Code> codes_;
};

// A native stack with its Python frames: each run of the evaluation loop (a frame of the function
// _PyEval_EvalFrameDefault) is replaced by the Python frames that it ran, and the interpreter's
// other frames, which say nothing about the program, are left out. Those of the C library and of
// extensions stay. Where the two stacks do not fit together, all Python frames stand in place of
// the innermost frame of the interpreter. `python` are the samples' names, `interpreter` the file
// with that loop; without names the native stack.
std::vector<Frame> merge_python(std::vector<Frame> native, const std::vector<PythonSample>& samples,
                                std::vector<Frame> python, std::string_view interpreter);

}  // namespace plumb::detect
