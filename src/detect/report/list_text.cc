// SPDX-License-Identifier: Apache-2.0
// Lines of descriptors and of counts.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "detect/report/column_widths.h"
#include "detect/report/describe.h"
#include "detect/report/list.h"
#include "detect/report/pieces.h"
#include "detect/report/shorten.h"
#include "plumb/base/human.h"

namespace plumb::detect {
namespace {

constexpr std::string_view kGap = "  ";
constexpr std::size_t kSample = 2000;   // rows that are measured; all, where there are no more
constexpr std::size_t kMostUncut = 60;  // a column without a limit is not padded beyond this

class ListWriter {
 public:
  ListWriter(const Joined& joined, const std::vector<const Column*>& columns, const Paper& paper)
      : joined_(joined), columns_(columns), paper_(paper), widths_(columns.size()) {}

  // Columns of a fixed width are measured in full; of flexible ones a sample says what is usual.
  void measure(const std::vector<DescriptorIndex>& rows) {
    std::vector<ColumnWish> wishes;
    for (const Column* column : columns_) {
      const std::size_t heading = cells(column->heading);
      const std::size_t step =
          column->flexible ? std::max<std::size_t>(1, rows.size() / kSample) : 1;
      std::vector<std::size_t> sample;
      std::size_t most = heading;
      for (std::size_t row = 0; row < rows.size(); row += step) {
        cell_.clear();
        column->append(cell_, joined_, rows[row]);
        const std::size_t width = cells(cell_);
        most = std::max(most, width);
        if (column->flexible && width != 0) sample.push_back(width);
      }
      std::ranges::sort(sample);
      const std::size_t usual = sample.empty() ? 0 : sample[sample.size() * 9 / 10];
      wishes.push_back({column->flexible, std::max(heading, usual), most});
    }
    if (paper_.cuts()) {
      widths_ = share_width(wishes, paper_.width, kGap.size());
    } else {
      for (std::size_t c = 0; c < widths_.size(); ++c) {
        widths_[c] = std::min(wishes[c].most, kMostUncut);
      }
    }
  }

  void append_heading(std::string& out) {
    std::string line;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      add_cell(line, c, std::string(columns_[c]->heading), Tone::kPlain);
    }
    end_line(line);
    paper_.paint(out, Tone::kStrong, line);
    out += '\n';
  }

  void append_row(std::string& out, DescriptorIndex d) {
    line_.clear();
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      cell_.clear();
      columns_[c]->append(cell_, joined_, d);
      add_cell(line_, c, cell_, tone_of(*columns_[c], d));
    }
    end_line(line_);
    out.append(line_).push_back('\n');
  }

 private:
  void add_cell(std::string& line, std::size_t c, const std::string& cell, Tone tone) {
    if (c != 0) line += kGap;
    const bool cut = paper_.cuts() && columns_[c]->flexible && cells(cell) > widths_[c];
    padded_.clear();
    append_padded(padded_, cut ? shorten(columns_[c]->name, cell, widths_[c]) : cell, widths_[c],
                  columns_[c]->align);
    paper_.paint(line, tone, padded_);
  }

  Tone tone_of(const Column& column, DescriptorIndex d) const {
    const Descriptor& row = joined_.row(d);
    if (column.name == "name") {
      if (row.kind == Kind::kUnreadable) return Tone::kBad;
      if (held_back(row) != 0) return Tone::kWarn;
      const Socket* socket = joined_.survey.socket_of(row);
      if (socket != nullptr && socket->state == SocketState::kCloseWait) return Tone::kWarn;
    }
    if (column.name == "end" || column.name == "with") {
      const EndState state = joined_.ends.of(d).state;
      if (state == EndState::kNobody || state == EndState::kAcceptQueue) return Tone::kWarn;
      if (state == EndState::kOutside || state == EndState::kUnseen) return Tone::kFaint;
    }
    return column.tone;
  }

  // No blanks at the end of a line; a colour's reset may stand behind them and hides them.
  static void end_line(std::string& line) {
    while (line.ends_with(' ')) line.pop_back();
  }

  const Joined& joined_;
  const std::vector<const Column*>& columns_;
  const Paper& paper_;
  std::vector<std::size_t> widths_;
  std::string line_, cell_, padded_;
};

}  // namespace

void write_list(const Joined& joined, const std::vector<DescriptorIndex>& rows,
                const std::vector<const Column*>& columns, const Paper& paper, const Sink& sink) {
  ListWriter writer(joined, columns, paper);
  writer.measure(rows);
  std::string piece;
  writer.append_heading(piece);
  for (const DescriptorIndex row : rows) {
    writer.append_row(piece, row);
    if (!pass_on(piece, sink)) return;
  }
  sink(piece);
}

std::string kinds_text(const KindCounts& kinds, std::size_t width) {
  std::vector<std::pair<std::uint32_t, std::string_view>> present;
  std::uint64_t left = 0;
  for (const Kind kind : all_kinds()) {
    const std::uint32_t count = kinds[static_cast<std::size_t>(kind)];
    if (count == 0) continue;
    present.emplace_back(count, name_of(kind));
    left += count;
  }
  std::ranges::stable_sort(present, std::ranges::greater{}, [](const auto& p) { return p.first; });
  std::string text;
  for (std::size_t at = 0; at < present.size(); ++at) {
    const auto& [count, name] = present[at];
    std::string part = at == 0 ? "" : ", ";
    part += fmt::format("{} {}", human_count(count), name);
    const bool last = at + 1 == present.size();
    const std::string others = fmt::format(", {} others", human_count(left - count));
    if (width != 0 && at != 0 && text.size() + part.size() + (last ? 0 : others.size()) > width) {
      return text + fmt::format(", {} others", human_count(left));
    }
    text += part;
    left -= count;
  }
  return text;
}

void write_counts(const Survey& survey, const std::vector<ProcessCount>& counts, const Paper& paper,
                  const Sink& sink) {
  std::string piece;
  paper.paint(
      piece, Tone::kStrong,
      fmt::format("{:>7}  {:<15}  {:>9}  {:>9}  KINDS", "PID", "COMMAND", "HOLDS", "LIMIT"));
  piece += '\n';
  KindCounts all{};
  std::uint64_t total = 0;
  const std::size_t room = paper.cuts() ? std::max<std::size_t>(paper.width, 60) - 48 : 0;
  for (const ProcessCount& count : counts) {
    const Process& process = survey.processes[number(count.process)];
    piece += fmt::format("{:>7}  ", number(process.key.pid));
    append_padded(piece, clean(survey.texts.at(process.name)), 15);
    piece += fmt::format("  {:>9}  {:>9}  ", human_count(count.total),
                         process.descriptor_limit ? human_count(*process.descriptor_limit) : "");
    piece.append(kinds_text(count.kinds, room)).push_back('\n');
    for (std::size_t kind = 0; kind < all.size(); ++kind) all[kind] += count.kinds[kind];
    total += count.total;
    if (!pass_on(piece, sink)) return;
  }
  paper.paint(piece, Tone::kStrong,
              fmt::format("{:>7}  {:<15}  {:>9}  {:>9}  ", "",
                          human_count(counts.size()) + " processes", human_count(total), ""));
  piece.append(kinds_text(all, room)).push_back('\n');
  sink(piece);
}

}  // namespace plumb::detect
