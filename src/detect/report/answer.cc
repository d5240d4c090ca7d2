// SPDX-License-Identifier: Apache-2.0
// The answer: a chain of causes in at most five lines.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "detect/report/finding_document.h"
#include "detect/report/wrap.h"

namespace plumb::detect {
namespace {

constexpr std::size_t kAnswerLines = 5;
constexpr std::size_t kMostLinks = 4;
constexpr std::string_view kMargin = "    ";

std::vector<std::string> lines_of(const std::string& wrapped) {
  std::vector<std::string> lines;
  std::string_view rest = wrapped;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    lines.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return lines;
}

// The chain from an effect down: always the first cause. Of a long one the first two links, which
// are what is suffered, and the last two, which are why.
std::vector<const Finding*> chain_of(const Explanation& explanation, FindingIndex effect) {
  std::vector<const Finding*> chain{&explanation.at(effect)};
  while (!chain.back()->causes.empty()) {
    chain.push_back(&explanation.at(chain.back()->causes.front()));
  }
  if (chain.size() > kMostLinks) chain.erase(chain.begin() + 2, chain.end() - 2);
  return chain;
}

// One sentence of the answer, which can be told shorter.
class Sentence {
 public:
  Sentence(std::string_view lead, std::string text, std::size_t width)
      : lead_(lead), text_(std::move(text)), width_(width) {
    // Of what fills more than the whole answer the end is not looked at.
    const std::size_t most = 2 * kAnswerLines * width;
    if (text_.size() > most) {
      const auto blank = text_.find_last_of(' ', most);
      if (blank != std::string::npos) text_.replace(blank, std::string::npos, " …");
    }
    wrap_it();
  }

  const std::vector<std::string>& lines() const { return lines_; }

  // Takes off clauses, and where none is left words, until it is a line shorter.
  void shorten() {
    const std::size_t wanted = lines_.size() - 1;
    shorten_addresses();
    while (lines_.size() > std::max<std::size_t>(wanted, 1)) {
      const std::size_t clause = last_clause();
      const bool by_word = clause == std::string::npos;
      const std::size_t cut = by_word ? text_.find_last_of(' ') : clause;
      if (cut == std::string::npos) return;
      text_.resize(cut);
      if (by_word) text_ += " …";
      wrap_it();
      if (by_word && lines_.size() > wanted) text_.resize(cut);
    }
  }

 private:
  // "http://service.example/Heartbeat" in a quoted command is told by its path.
  void shorten_addresses() {
    constexpr std::string_view kScheme = "://";
    for (auto at = text_.find(kScheme); at != std::string::npos; at = text_.find(kScheme)) {
      const auto begin = text_.find_last_of(" \"", at);
      const auto path = text_.find_first_of("/ \"", at + kScheme.size());
      if (begin == std::string::npos || path == std::string::npos) break;
      text_.replace(begin + 1, path - begin - 1, "…");
    }
    wrap_it();
  }

  // Where the last clause begins, outside quotation marks and not near the beginning.
  std::size_t last_clause() const {
    constexpr std::array<std::string_view, 4> kEnds = {". ", "; ", ", ", ": "};
    std::size_t best = std::string::npos;
    for (const std::string_view end : kEnds) {
      const auto at = text_.rfind(end);
      if (at == std::string::npos || 2 * at < text_.size()) continue;
      const auto quotes =
          std::count(text_.begin() + static_cast<std::ptrdiff_t>(at), text_.end(), '"');
      if (quotes % 2 != 0) continue;
      if (best == std::string::npos || at > best) best = at;
    }
    return best;
  }

  void wrap_it() { lines_ = lines_of(wrap(text_, lead_, kMargin, width_)); }

  std::string lead_;
  std::string text_;
  std::size_t width_;
  std::vector<std::string> lines_;
};

std::string told_name(const Subject& subject) {
  return fmt::format("{}({})", subject.name, number(subject.process.pid));
}

// What the sentence before has said need not be said again.
void leave_out(std::string& text, const std::string& words) {
  const auto at = text.find(words);
  if (at != std::string::npos) text.erase(at, words.size());
}

}  // namespace

std::vector<std::string> answer_of(const FindingDocument& document, std::size_t width) {
  const Explanation& explanation = document.explanation;
  const auto worst = std::ranges::find_if(explanation.effects, [&](FindingIndex effect) {
    return explanation.at(effect).severity > Severity::kInfo;
  });
  if (worst == explanation.effects.end()) return {};
  const auto chain = chain_of(explanation, *worst);
  std::vector<Sentence> sentences;
  for (std::size_t link = 0; link < chain.size(); ++link) {
    std::string text = clean(chain[link]->summary);
    if (link > 0 && chain[link]->subject.process == chain.front()->subject.process) {
      leave_out(text, " of " + clean(told_name(chain.front()->subject)));
    }
    sentences.emplace_back(link == 0 ? "" : "  because ", std::move(text), width);
  }
  const Finding& last = *chain.back();
  if (!last.whose_move.empty()) {
    sentences.emplace_back(
        "  whose move: ", clean(fmt::format("{}. {}", last.whose_move, last.remedy)), width);
  }
  const auto length = [](const Sentence& one) { return one.lines().size(); };
  std::size_t all = 0;
  for (const Sentence& one : sentences) all += length(one);
  // The longest gives way: of equally long ones a cause before whose move it is, the effect last.
  while (all > kAnswerLines) {
    auto longest = sentences.begin();
    for (auto at = sentences.begin() + 1; at != sentences.end(); ++at) {
      const bool first = longest == sentences.begin();
      if (length(*at) > length(*longest) || (first && length(*at) == length(*longest)))
        longest = at;
    }
    const std::size_t before = length(*longest);
    longest->shorten();
    if (length(*longest) == before) break;
    all -= before - length(*longest);
  }
  std::vector<std::string> lines;
  for (const Sentence& one : sentences) {
    lines.insert(lines.end(), one.lines().begin(), one.lines().end());
  }
  lines.resize(std::min(lines.size(), kAnswerLines));
  return lines;
}

}  // namespace plumb::detect
