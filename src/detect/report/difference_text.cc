// SPDX-License-Identifier: Apache-2.0
// What grew, for people: a table of the origins, then the stacks of those that grew.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "detect/report/difference_document.h"
#include "detect/report/trace_document.h"
#include "detect/report/trace_stack_text.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kFigures = 6;
using Row = std::array<std::string, kFigures>;

std::string signed_count(std::int64_t count) {
  const auto bits = static_cast<std::uint64_t>(count);
  const std::uint64_t size = count < 0 ? 0 - bits : bits;
  return (count < 0 ? "-" : "+") + human_count(size);
}

void append_origin(std::string& out, const Paper& paper, const OriginDifference& one,
                   std::size_t width) {
  if (one.origin.special == OriginId::kFirst) {
    paper.paint(out, Tone::kStrong, origin_in_short(*one.stacks, one.origin.stack, width));
  } else {
    paper.paint(out, Tone::kFaint, cut_middle(reason_without_stack(one.origin.special), width));
  }
}

void append_table(std::string& out, const DifferenceDocument& document, const Paper& paper) {
  std::vector<Row> rows{{"GREW", "BEFORE", "AFTER", "KIND", "CREATED", "CLOSED"}};
  for (const OriginDifference& one : document.origins) {
    rows.push_back({signed_count(one.grew()), human_count(one.before), human_count(one.after),
                    clean(one.origin.kind_name), human_count(one.created),
                    human_count(one.closed)});
  }
  std::array<std::size_t, kFigures> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < kFigures; ++i) widths[i] = std::max(widths[i], cells(row[i]));
  }
  const std::size_t taken = std::accumulate(widths.begin(), widths.end(), 2 * kFigures);
  const std::size_t left = !paper.cuts()              ? std::string::npos
                           : paper.width > taken + 16 ? paper.width - taken
                                                      : 16;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const OriginDifference* one = r == 0 ? nullptr : &document.origins[r - 1];
    for (std::size_t i = 0; i < kFigures; ++i) {
      std::string cell;
      append_padded(cell, rows[r][i], widths[i], i == 3 ? Align::kLeft : Align::kRight);
      const bool more = one != nullptr && i == 0 && one->grew() > 0;
      paper.paint(out, one == nullptr ? Tone::kFaint : more ? Tone::kBad : Tone::kPlain, cell);
      out += "  ";
    }
    if (one == nullptr) {
      paper.paint(out, Tone::kFaint, "ORIGIN");
    } else {
      append_origin(out, paper, *one, left);
    }
    out += '\n';
  }
}

}  // namespace

bool anything_grew(const DifferenceDocument& document) {
  return std::ranges::any_of(document.origins, [](const auto& one) { return one.grew() > 0; });
}

std::int64_t growth_of_all(const DifferenceDocument& document) {
  std::uint64_t grew = 0;  // wraps, as a stranger's numbers may
  for (const auto& one : document.origins) grew += static_cast<std::uint64_t>(one.grew());
  return static_cast<std::int64_t>(grew);
}

void write_difference_text(const DifferenceDocument& document, const Paper& paper,
                           const Sink& sink) {
  const std::int64_t grew = growth_of_all(document);
  std::string out;
  paper.paint(out, Tone::kStrong,
              fmt::format("from {} to {}: {} held", clean(document.before), clean(document.after),
                          grew == 0 ? "as many" : signed_count(grew)));
  const std::size_t count = document.origins.size();
  out += fmt::format(", {} {} differ{}\n", count, count == 1 ? "origin" : "origins",
                     count == 1 ? "s" : "");
  if (count > 0) {
    out += '\n';
    append_table(out, document, paper);
  }
  std::size_t told = 0;
  for (const OriginDifference& one : document.origins) {
    if (one.grew() <= 0 || one.origin.special != OriginId::kFirst) continue;
    if (told++ == document.most_stacks) {
      out += "\nmore origins grew; --json has the stacks of all\n";
      break;
    }
    out += '\n';
    paper.paint(out, Tone::kBad,
                fmt::format("{} {}", signed_count(one.grew()), clean(one.origin.kind_name)));
    out += '\n';
    append_stack(out, paper, *one.stacks, one.origin.stack, one.origin.cut);
  }
  sink(out);
}

}  // namespace plumb::detect
