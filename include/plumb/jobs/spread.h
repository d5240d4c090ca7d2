// SPDX-License-Identifier: Apache-2.0
// Prime periods: four jobs that all run every 60 minutes begin together 24 times a day, and when
// something grows in steps of an hour nobody can tell which of them it is. With periods of 47, 53,
// 59 and 67 minutes each step has one culprit, and two of them begin together once in 41 hours at
// the most. The rule and a table are in docs/jobs.md. Pure. Threads: any.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace plumb::runtime {

// Gives out periods, no two of which have a common factor in their unit:
//
// The unit is the longest of minute, second and millisecond of which the wanted period has at least
// 30; a shorter period stays as it is. The period becomes that prime number of units that is
// nearest to the wanted one, the shorter first, leaving out those already given out in that unit
// and those nearer to one of them than a tenth of the wanted period. Where there is none between
// half the wanted period and twice of it, a tenth becomes a twentieth, and so on; where even that
// gives none, the next shorter unit is taken, and after the last the period stays as it is.
class PeriodSpreader {
 public:
  std::chrono::nanoseconds spread(std::chrono::nanoseconds wanted);

 private:
  struct Taken {
    std::chrono::nanoseconds unit;
    std::int64_t prime;
  };
  bool take(std::chrono::nanoseconds unit, std::int64_t wanted, std::int64_t& prime);

  std::vector<Taken> taken_;
};

}  // namespace plumb::runtime
