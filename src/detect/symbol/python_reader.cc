// SPDX-License-Identifier: Apache-2.0
// Reading CPython's structures from outside.
#include "detect/symbol/python_reader.h"

#include <algorithm>

#include "detect/symbol/python_lines.h"
#include "detect/symbol/utf8.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kLongestText = 1024;  // characters of a name
constexpr std::size_t kLongestTable = 256U << 10U;
constexpr std::size_t kMostCodes = 100'000;
constexpr std::size_t kUnicodeLength = 16;
constexpr std::size_t kUnicodeState = 32;  // bits: interned 2, kind 3, compact, ascii, ready
constexpr std::size_t kAsciiData = 48;
constexpr std::size_t kCompactData = 72;
constexpr std::size_t kBytesSize = 16;
constexpr std::size_t kBytesData = 32;
constexpr std::string_view kLoop = "_PyEval_EvalFrameDefault";

// Where a symbol of a module is in the process.
std::optional<Address> loaded_at(ProcessView& process, Module& module, std::string_view symbol) {
  const auto address = module.landmark(symbol);
  const auto offset = address ? module.elf().offset_of(*address) : std::nullopt;
  if (!offset) return std::nullopt;
  for (const Mapping& mapping : process.address_space().mappings()) {
    const std::uint64_t size = number(mapping.end) - number(mapping.start);
    if (mapping.path != module.path() || *offset < mapping.file_offset ||
        *offset - mapping.file_offset >= size) {
      continue;
    }
    return mapping.start + (*offset - mapping.file_offset);
  }
  return std::nullopt;
}

// python3.11, libpython3.11.so.1.0; not the extensions, whose folders also have the word.
bool may_be_python(const Mapping& mapping) {
  const std::string_view path = mapping.path;
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return name.starts_with("python") || name.starts_with("libpython");
}

}  // namespace

template <typename T>
std::optional<T> PythonReader::read(Address at) const {
  T value{};
  const auto into = std::as_writable_bytes(std::span(&value, 1));
  if (process_->access().read_memory(process_->process(), at, into) != sizeof(T)) {
    return std::nullopt;
  }
  return value;
}

std::optional<PythonReader> PythonReader::find(ProcessView& process) {
  for (Module* module : process.modules(may_be_python)) {
    const auto runtime = loaded_at(process, *module, "_PyRuntime");
    const auto version_at = loaded_at(process, *module, "Py_Version");
    if (!runtime || !version_at) continue;
    std::uint64_t version = 0;
    const auto into = std::as_writable_bytes(std::span(&version, 1));
    process.access().read_memory(process.process(), *version_at, into);
    if (const auto layout = python_layout(version)) {
      return PythonReader(process, module->path(), *runtime, *layout);
    }
  }
  return std::nullopt;
}

std::optional<Address> PythonReader::thread_state(Tid own_number) const {
  auto interpreter = read<Address>(runtime_ + layout_.runtime_interpreters_head);
  std::size_t steps = 0;
  while (interpreter && number(*interpreter) != 0) {
    auto thread = read<Address>(*interpreter + layout_.interpreter_threads_head);
    while (thread && number(*thread) != 0) {
      if (++steps > kMostThreads) return std::nullopt;
      const auto native = read<std::uint64_t>(*thread + layout_.thread_native_id);
      if (native && *native == static_cast<std::uint64_t>(number(own_number))) return thread;
      thread = read<Address>(*thread + layout_.thread_next);
    }
    if (++steps > kMostThreads) return std::nullopt;
    interpreter = read<Address>(*interpreter + layout_.interpreter_next);
  }
  return std::nullopt;
}

std::vector<PythonSample> PythonReader::sample(Tid own_number) const {
  std::vector<PythonSample> samples;
  const auto thread = thread_state(own_number);
  const auto cframe = thread ? read<Address>(*thread + layout_.thread_cframe) : std::nullopt;
  auto frame = cframe ? read<Address>(*cframe + layout_.cframe_current_frame) : std::nullopt;
  while (frame && number(*frame) != 0 && samples.size() < kMostFrames) {
    const auto code = read<Address>(*frame + layout_.frame_code);
    const auto instruction = read<Address>(*frame + layout_.frame_prev_instr);
    const auto entry = read<std::uint8_t>(*frame + layout_.frame_is_entry);
    if (!code || !instruction || !entry) break;
    samples.push_back({*code, *instruction, *entry != 0});
    frame = read<Address>(*frame + layout_.frame_previous);
  }
  return samples;
}

std::string PythonReader::text(Address unicode_object) const {
  const auto length = read<std::uint64_t>(unicode_object + kUnicodeLength);
  const auto state = read<std::uint32_t>(unicode_object + kUnicodeState);
  if (!length || !state || *length > kLongestText) return {};
  const std::uint32_t width = *state >> 2U & 7U;  // bytes a character: 1, 2, 4
  const bool ascii = (*state >> 6U & 1U) != 0;
  if (width != 1 && width != 2 && width != 4) return {};
  std::vector<std::byte> bytes(*length * width);
  const Address data = unicode_object + (ascii ? kAsciiData : kCompactData);
  if (process_->access().read_memory(process_->process(), data, bytes) != bytes.size()) return {};
  std::string decoded;
  for (std::size_t at = 0; at < bytes.size(); at += width) {
    std::uint32_t point = 0;
    for (std::uint32_t index = 0; index < width; ++index) {
      point |= std::to_integer<std::uint32_t>(bytes[at + index]) << 8U * index;
    }
    if (!append_utf8(point, decoded)) decoded += '?';
  }
  return decoded;
}

const PythonReader::Code& PythonReader::code(Address at) {
  if (codes_.size() >= kMostCodes) codes_.clear();
  Code& kept = codes_[number(at)];
  const Code::Key key{read<Address>(at + layout_.code_qualname).value_or(Address{}),
                      read<Address>(at + layout_.code_filename).value_or(Address{}),
                      read<Address>(at + layout_.code_line_table).value_or(Address{}),
                      read<std::uint32_t>(at + layout_.code_first_line).value_or(0)};
  if (kept.key == key) return kept;
  kept = Code{key, text(key.name), text(key.file), {}};
  const auto size = read<std::uint64_t>(key.table + kBytesSize).value_or(0);
  if (size <= kLongestTable) {
    kept.line_table.resize(size);
    const std::size_t got = process_->access().read_memory(process_->process(),
                                                           key.table + kBytesData, kept.line_table);
    kept.line_table.resize(got);
  }
  return kept;
}

std::vector<Frame> PythonReader::names(const std::vector<PythonSample>& samples) {
  std::vector<Frame> named;
  named.reserve(samples.size());
  for (const PythonSample& sample : samples) named.push_back(name(sample));
  if (!named.empty() && named.front().function.empty()) named.clear();  // the process is gone
  return named;
}

Frame PythonReader::name(const PythonSample& sample) {
  const Code& object = code(sample.code);
  Frame frame;
  frame.kind = FrameKind::kPython;
  frame.function = object.qualified_name;
  frame.file = object.file;
  const Address start = sample.code + layout_.code_instructions;
  if (sample.instruction < start) {
    // Before the first instruction of a call that is being set up.
    if (object.key.first_line > 0) frame.line = object.key.first_line;
  } else {
    const std::uint64_t unit = (number(sample.instruction) - number(start)) / 2;
    frame.line = python_line(object.line_table, object.key.first_line, unit);
  }
  return frame;
}

std::vector<Frame> merge_python(std::vector<Frame> native, const std::vector<PythonSample>& samples,
                                std::vector<Frame> python, std::string_view interpreter) {
  if (samples.empty() || python.size() != samples.size()) return native;

  const auto in_interpreter = [&](const Frame& frame) { return frame.module == interpreter; };
  const auto is_loop = [&](const Frame& frame) {
    return frame.function == kLoop && in_interpreter(frame);
  };
  const auto loops = std::count_if(native.begin(), native.end(), is_loop);
  const auto runs = std::count_if(samples.begin(), samples.end(),
                                  [](const PythonSample& sample) { return sample.entry; });
  const bool fits = loops == runs;
  std::vector<Frame> merged;
  merged.reserve(native.size() + samples.size());
  std::size_t next = 0;
  for (Frame& frame : native) {
    if (!in_interpreter(frame)) {
      merged.push_back(std::move(frame));
      continue;
    }
    if (fits && !is_loop(frame)) continue;
    for (bool run_ended = false; next < samples.size() && !(fits && run_ended); ++next) {
      run_ended = samples[next].entry;
      merged.push_back(std::move(python[next]));
    }
  }
  // A stack that was cut before its first loop: Python's part is known all the same.
  for (; next < samples.size(); ++next) merged.push_back(std::move(python[next]));
  return merged;
}

}  // namespace plumb::detect
