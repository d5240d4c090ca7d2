// SPDX-License-Identifier: Apache-2.0
// HttpLive: what stands below the finished exchanges on a terminal, and is drawn anew: the
// exchanges under way, oldest first, and a line of counts.
#pragma once

#include <cstddef>
#include <string>

#include "app/cli/command.h"
#include "detect/report/http_document.h"

namespace plumb::app {

class HttpLive {
 public:
  // Draws only where standard output is a terminal that can be drawn on, and `wanted`.
  HttpLive(Context& context, bool wanted);

  bool draws() const { return draws_; }
  // Takes away what was drawn, so that lines can be written in its place.
  void clear();
  // `under_way` holds those exchanges; `finished` says how many have ended.
  void draw(const detect::HttpDocument& under_way, std::size_t finished);

 private:
  Context& context_;
  bool draws_;
  std::size_t lines_ = 0;  // that stand there
};

}  // namespace plumb::app
