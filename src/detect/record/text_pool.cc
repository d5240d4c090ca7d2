// SPDX-License-Identifier: Apache-2.0
// Adding to a TextPool.
#include "detect/record/text_pool.h"

#include <limits>

namespace plumb::detect {

TextRef TextPool::add(std::string_view text) {
  if (text.empty() || text == at(last_)) return text.empty() ? TextRef{} : last_;
  constexpr std::size_t kLimit = std::numeric_limits<std::uint32_t>::max();
  if (text.size() > kLimit - bytes_.size()) return {};
  last_ = {static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint32_t>(text.size())};
  bytes_.append(text);
  return last_;
}

}  // namespace plumb::detect
