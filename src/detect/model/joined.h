// SPDX-License-Identifier: Apache-2.0
// Joined: a survey with everything that the model reads out of it, made once and passed around.
#pragma once

#include <future>

#include "detect/model/beside.h"
#include "detect/model/ends.h"
#include "detect/model/sharing.h"
#include "detect/model/tables.h"
#include "detect/record/survey.h"

namespace plumb::detect {

// Threads: immutable once made. The survey must outlive it.
struct Joined {
  explicit Joined(const Survey& facts) : survey(facts), tables(facts) {
    auto shared = std::async(launch_for(facts.descriptors.size()), [&] { return Sharing(facts); });
    ends = Ends(facts);
    sharing = shared.get();
  }

  const Survey& survey;
  Tables tables;
  Ends ends;
  Sharing sharing;

  const Descriptor& row(DescriptorIndex d) const { return survey.descriptors[number(d)]; }
  const Process& holder(DescriptorIndex d) const { return survey.process_of(row(d)); }
};

}  // namespace plumb::detect
