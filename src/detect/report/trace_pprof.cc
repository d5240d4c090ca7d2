// SPDX-License-Identifier: Apache-2.0
// A trace as a pprof profile (github.com/google/pprof, proto/profile.proto; the numbers of the
// fields are from there).
#include <zlib.h>

#include <array>
#include <map>
#include <new>

#include "detect/report/proto_writer.h"
#include "detect/report/trace_document.h"

namespace plumb::detect {
namespace {

class Profile {
 public:
  explicit Profile(const TraceDocument& document) : document_(document) { string(""); }

  std::string bytes() {
    value_type(1, "open", "count");
    value_type(1, "created", "count");
    value_type(1, "age", "seconds");
    for (const Site* site : held_sites(document_)) sample(*site);
    const auto traced = document_.ledger.now() - document_.ledger.began();
    profile_.number(10, static_cast<std::uint64_t>(traced.count()));
    profile_.number(14, string("open"));
    for (const auto& [text, index] : strings_) by_index_[index] = &text;
    for (const auto& [index, text] : by_index_) profile_.text(6, *text);
    return profile_.bytes();
  }

 private:
  std::uint64_t string(std::string_view text) {
    return strings_.try_emplace(std::string(text), strings_.size()).first->second;
  }
  void value_type(std::uint32_t field, std::string_view type, std::string_view unit) {
    ProtoWriter value;
    value.number(1, string(type));
    value.number(2, string(unit));
    profile_.message(field, value);
  }
  void label(ProtoWriter& sample, std::string_view key, std::string_view text) {
    ProtoWriter label;
    label.number(1, string(key));
    label.number(2, string(text));
    sample.message(3, label);
  }
  void sample(const Site& site);
  std::uint64_t location(FrameId id);
  std::uint64_t plain_location(std::string_view name);
  std::uint64_t function(const Frame& frame);
  std::uint64_t mapping(const Frame& frame);

  const TraceDocument& document_;
  ProtoWriter profile_;
  std::map<std::string, std::uint64_t> strings_;
  std::map<std::uint64_t, const std::string*> by_index_;
  std::map<FrameId, std::uint64_t> locations_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> functions_;
  std::map<std::pair<std::string, BuildId>, std::uint64_t> mappings_;
  std::uint64_t next_location_ = 1;
};

std::uint64_t Profile::mapping(const Frame& frame) {
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

std::uint64_t Profile::function(const Frame& frame) {
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

std::uint64_t Profile::location(FrameId id) {
  const auto [it, added] = locations_.try_emplace(id, next_location_);
  if (!added) return it->second;
  ++next_location_;
  const Frame& frame = document_.stacks.frame(id);
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

std::uint64_t Profile::plain_location(std::string_view name) {
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

void Profile::sample(const Site& site) {
  std::vector<std::uint64_t> path;
  for (const FrameId id : document_.stacks.frames(site.stack)) path.push_back(location(id));
  if (path.empty()) {
    path.push_back(plain_location("[" + std::string(reason_without_stack(site.special)) + "]"));
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(site.total_age).count();
  ProtoWriter sample;
  sample.numbers(1, path);
  sample.numbers(2, std::array{held(site), site.created, static_cast<std::uint64_t>(seconds)});
  label(sample, "kind", name_of(site.kind));
  for (const HoldingSample& one : site.samples) {
    const auto known = document_.texts.find({one.pid, one.fd, one.file});
    if (known == document_.texts.end() || known->second.other_end.empty()) continue;
    label(sample, "peer", known->second.other_end);
    break;
  }
  profile_.message(2, sample);
}

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

void write_trace_pprof(const TraceDocument& document, const Sink& sink) {
  sink(gzip(Profile(document).bytes()));
}

}  // namespace plumb::detect
