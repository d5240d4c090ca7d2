// SPDX-License-Identifier: Apache-2.0
// Writing of profile.proto.
#include "detect/report/pprof_profile.h"

#include <zlib.h>

#include <new>

#include "detect/report/trace_document.h"

namespace plumb::detect {
namespace {

// gzip (RFC 1952). Memory alone can fail it.
std::string gzip(const std::string& bytes) {
  z_stream stream{};
  if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    throw std::bad_alloc();
  }
  std::string packed(::deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  ::deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  ::deflateEnd(&stream);
  return packed;
}

}  // namespace

void PprofProfile::add_type(std::string_view type, std::string_view unit) {
  if (default_type_.empty()) default_type_ = type;
  ProtoWriter value;
  value.number(1, string(type));
  value.number(2, string(unit));
  profile_.message(1, value);
}

std::uint64_t PprofProfile::mapping(const Frame& frame) {
  if (frame.module.empty()) return 0;
  const auto [it, added] =
      mappings_.try_emplace({frame.module, frame.build_id}, mappings_.size() + 1);
  if (!added) return it->second;
  ProtoWriter mapping;
  mapping.number(1, it->second);
  mapping.number(5, string(frame.module));
  mapping.number(6, string(frame.build_id.hex()));
  mapping.number(7, 1);  // functions, files and lines are here already: pprof must not look them up
  mapping.number(8, 1);
  mapping.number(9, 1);
  mapping.number(10, 1);
  profile_.message(3, mapping);
  return it->second;
}

std::uint64_t PprofProfile::function(const Frame& frame) {
  const std::string name = frame.function.empty() ? place_of(frame) : frame.function;
  const auto [it, added] = functions_.try_emplace({name, frame.file}, functions_.size() + 1);
  if (!added) return it->second;
  ProtoWriter function;
  function.number(1, it->second);
  function.number(2, string(name));
  function.number(3, string(name));
  function.number(4, string(frame.file));
  profile_.message(5, function);
  return it->second;
}

std::uint64_t PprofProfile::location(FrameId id) {
  const auto [it, added] = locations_.try_emplace(id, next_location_);
  if (!added) return it->second;
  ++next_location_;
  const Frame& frame = stacks_.frame(id);
  ProtoWriter line;
  line.number(1, function(frame));
  line.number(2, frame.line.value_or(0));
  ProtoWriter location;
  location.number(1, it->second);
  location.number(2, mapping(frame));
  location.number(3, frame.elf_address ? number(*frame.elf_address) : 0);
  location.message(4, line);
  profile_.message(4, location);
  return it->second;
}

std::uint64_t PprofProfile::plain_location(std::string_view name) {
  const std::uint64_t id = next_location_++;
  Frame frame;
  frame.function = name;
  ProtoWriter line;
  line.number(1, function(frame));
  ProtoWriter location;
  location.number(1, id);
  location.message(4, line);
  profile_.message(4, location);
  return id;
}

void PprofProfile::sample(const std::vector<std::uint64_t>& path,
                          std::span<const std::uint64_t> values, const Labels& labels) {
  ProtoWriter sample;
  sample.numbers(1, path);
  sample.numbers(2, values);
  for (const auto& [key, text] : labels) {
    ProtoWriter label;
    label.number(1, string(key));
    label.number(2, string(text));
    sample.message(3, label);
  }
  profile_.message(2, sample);
}

void PprofProfile::add_sample(std::span<const FrameId> frames,
                              std::span<const std::uint64_t> values, const Labels& labels) {
  std::vector<std::uint64_t> path;
  for (const FrameId id : frames) path.push_back(location(id));
  sample(path, values, labels);
}

void PprofProfile::add_sample(std::string_view name, std::span<const std::uint64_t> values,
                              const Labels& labels) {
  sample({plain_location(name)}, values, labels);
}

std::string PprofProfile::packed() {
  profile_.number(14, string(default_type_));
  std::map<std::uint64_t, const std::string*> by_index;
  for (const auto& [text, index] : strings_) by_index[index] = &text;
  for (const auto& [index, text] : by_index) profile_.text(6, *text);
  return gzip(profile_.bytes());
}

}  // namespace plumb::detect
