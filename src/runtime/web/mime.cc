// SPDX-License-Identifier: Apache-2.0
// The table of extensions.
#include "plumb/web/mime.h"

#include <algorithm>
#include <array>

#include "plumb/http/field_text.h"

namespace plumb::runtime {
namespace {

struct Row {
  std::string_view extension;
  std::string_view type;
};

// Sorted by extension.
constexpr std::array kTypes = {
    Row{"aac", "audio/aac"},
    Row{"avif", "image/avif"},
    Row{"bmp", "image/bmp"},
    Row{"bz2", "application/x-bzip2"},
    Row{"css", "text/css; charset=utf-8"},
    Row{"csv", "text/csv; charset=utf-8"},
    Row{"epub", "application/epub+zip"},
    Row{"flac", "audio/flac"},
    Row{"gif", "image/gif"},
    Row{"gz", "application/gzip"},
    Row{"htm", "text/html; charset=utf-8"},
    Row{"html", "text/html; charset=utf-8"},
    Row{"ico", "image/vnd.microsoft.icon"},
    Row{"ics", "text/calendar; charset=utf-8"},
    Row{"jpeg", "image/jpeg"},
    Row{"jpg", "image/jpeg"},
    Row{"js", "text/javascript; charset=utf-8"},
    Row{"json", "application/json"},
    Row{"jsonl", "application/x-ndjson"},
    Row{"jxl", "image/jxl"},
    Row{"log", "text/plain; charset=utf-8"},
    Row{"m4a", "audio/mp4"},
    Row{"map", "application/json"},
    Row{"md", "text/markdown; charset=utf-8"},
    Row{"mjs", "text/javascript; charset=utf-8"},
    Row{"mkv", "video/matroska"},
    Row{"mp3", "audio/mpeg"},
    Row{"mp4", "video/mp4"},
    Row{"oga", "audio/ogg"},
    Row{"ogg", "audio/ogg"},
    Row{"ogv", "video/ogg"},
    Row{"otf", "font/otf"},
    Row{"pdf", "application/pdf"},
    Row{"png", "image/png"},
    Row{"rtf", "application/rtf"},
    Row{"svg", "image/svg+xml"},
    Row{"tar", "application/x-tar"},
    Row{"tif", "image/tiff"},
    Row{"tiff", "image/tiff"},
    Row{"ttf", "font/ttf"},
    Row{"txt", "text/plain; charset=utf-8"},
    Row{"wasm", "application/wasm"},
    Row{"wav", "audio/vnd.wave"},
    Row{"weba", "audio/webm"},
    Row{"webm", "video/webm"},
    Row{"webmanifest", "application/manifest+json"},
    Row{"webp", "image/webp"},
    Row{"woff", "font/woff"},
    Row{"woff2", "font/woff2"},
    Row{"xhtml", "application/xhtml+xml"},
    Row{"xml", "application/xml"},
    Row{"xz", "application/x-xz"},
    Row{"yaml", "application/yaml"},
    Row{"yml", "application/yaml"},
    Row{"zip", "application/zip"},
    Row{"zst", "application/zstd"},
};
static_assert(std::ranges::is_sorted(kTypes, {}, &Row::extension));

}  // namespace

std::string_view media_type_of(std::string_view file_name) noexcept {
  constexpr std::string_view kUnknown = "application/octet-stream";
  const std::size_t dot = file_name.rfind('.');
  std::array<char, 12> room{};
  if (dot == std::string_view::npos || file_name.size() - dot - 1 > room.size()) return kUnknown;
  const std::string_view sent = file_name.substr(dot + 1);
  std::ranges::transform(sent, room.begin(), http::lower);
  const std::string_view extension(room.data(), sent.size());
  const auto row = std::ranges::lower_bound(kTypes, extension, {}, &Row::extension);
  return row != kTypes.end() && row->extension == extension ? row->type : kUnknown;
}

}  // namespace plumb::runtime
