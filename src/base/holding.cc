// SPDX-License-Identifier: Apache-2.0
// Shelves of holdings: linking, copying, and the two USDT probes.
#include "plumb/base/holding.h"

#include <sys/sdt.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "plumb/base/human.h"

namespace plumb {
namespace {

// Copied with the shelf locked: about 5 us.
constexpr std::size_t kRowsAtOnce = 64;
constexpr std::size_t kMostDetail = 256;

}  // namespace

void Holding::acquire(Holdings& shelf, const char* detail) noexcept {
  acquire(shelf, reinterpret_cast<std::uintptr_t>(this), detail);
}

void Holding::acquire(Holdings& shelf, std::uint64_t identity, const char* detail) noexcept {
  release();
  identity_ = identity;
  detail_ = detail;
  const auto kept = shelf.now_.load(std::memory_order_relaxed);
  since_ = kept != 0 ? Clock::time_point(Clock::duration(kept)) : Clock::now();
  shelf.append(*this);
  DTRACE_PROBE5(plumb, acquire, kind_, identity_, site_.file_name(), site_.line(),
                site_.function_name());
}

void Holding::release() noexcept {
  if (shelf_ == nullptr) return;
  Holdings& shelf = *std::exchange(shelf_, nullptr);
  {
    const std::lock_guard lock(shelf.mutex_);
    Holdings::unlink(*this);
  }
  shelf.size_.fetch_sub(1, std::memory_order_relaxed);
  DTRACE_PROBE5(plumb, release, kind_, identity_, site_.file_name(), site_.line(),
                site_.function_name());
}

Holdings::Holdings(std::string name, HoldingsRegister* in) : name_(std::move(name)), in_(in) {
  if (in_ != nullptr) in_->joined(*this);
}

Holdings::~Holdings() {
  if (in_ != nullptr) in_->left(*this);
  expect_none();
}

void Holdings::expect_none() const noexcept {
  if (size() == 0) return;
  std::fprintf(stderr, "plumb: %s ended before what it holds:\n", name_.c_str());
  const auto now = Holding::Clock::now();
  for (const auto& row : rows()) std::fprintf(stderr, "  %s\n", text_of(row, now).c_str());
  std::abort();
}

void Holdings::append(Holding& holding) noexcept {
  const std::lock_guard lock(mutex_);
  holding.shelf_ = this;
  link_before(end_, holding);
  size_.fetch_add(1, std::memory_order_relaxed);
}

void Holdings::link_before(Holding& next, Holding& holding) noexcept {
  holding.next_ = &next;
  holding.previous_ = next.previous_;
  next.previous_->next_ = &holding;
  next.previous_ = &holding;
}

void Holdings::unlink(Holding& holding) noexcept {
  holding.previous_->next_ = holding.next_;
  holding.next_->previous_ = holding.previous_;
  holding.next_ = holding.previous_ = &holding;
}

// The reader keeps its place on the shelf by standing there itself, so that it can let others in
// between two batches.
std::vector<HoldingRow> Holdings::rows() const {
  struct Reader {
    ~Reader() {
      const std::lock_guard lock(mutex);
      unlink(place);
    }
    std::mutex& mutex;
    Holding place = {};
  } reader{mutex_};
  std::vector<HoldingRow> rows;
  for (bool more = true; more;) {
    const std::lock_guard lock(mutex_);
    const bool began = reader.place.next_ != &reader.place;
    Holding* next = began ? reader.place.next_ : end_.next_;
    unlink(reader.place);
    for (std::size_t i = 0; i < kRowsAtOnce && next != &end_; ++i, next = next->next_) {
      if (next->kind_ == nullptr) continue;  // another reader
      const char* detail = next->detail_ == nullptr ? "" : next->detail_;
      rows.push_back({next->kind_, next->identity_,
                      std::string(std::string_view(detail).substr(0, kMostDetail)), next->since_,
                      next->site_});
    }
    more = next != &end_;
    if (more) link_before(*next, reader.place);
  }
  return rows;
}

std::string_view short_file(std::string_view path) noexcept {
  const auto last = path.rfind('/');
  if (last == std::string_view::npos || last == 0) return path;
  const auto parent = path.rfind('/', last - 1);
  return parent == std::string_view::npos ? path : path.substr(parent + 1);
}

std::string text_of(const HoldingRow& row, Holding::Clock::time_point now) {
  std::string text = row.kind + ' ' + std::to_string(row.identity);
  if (!row.detail.empty()) text += " (" + row.detail + ')';
  text += ", " + human_duration(now - row.since) + ", ";
  text += short_file(row.site.file_name());
  text += ':';
  return text + std::to_string(row.site.line()) + " (" + row.site.function_name() + ')';
}

}  // namespace plumb
