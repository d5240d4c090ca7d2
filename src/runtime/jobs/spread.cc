// SPDX-License-Identifier: Apache-2.0
// Choosing primes.
#include "plumb/jobs/spread.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace plumb::runtime {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr std::array<nanoseconds, 3> kUnits = {1min, 1s, 1ms};
constexpr std::int64_t kFewest = 30;  // units in a period

// Periods are at most some million units: a thousand divisions.
bool is_prime(std::int64_t number) noexcept {
  if (number < 2) return false;
  for (std::int64_t divisor = 2; divisor * divisor <= number; ++divisor) {
    if (number % divisor == 0) return false;
  }
  return true;
}

}  // namespace

bool PeriodSpreader::take(nanoseconds unit, std::int64_t wanted, std::int64_t& prime) {
  const auto free = [&](std::int64_t number, std::int64_t apart) {
    return std::ranges::none_of(taken_, [&](const Taken& taken) {
      return taken.unit == unit &&
             std::abs(taken.prime - number) < std::max<std::int64_t>(apart, 1);
    });
  };
  for (std::int64_t apart = wanted / 10;; apart /= 2) {
    for (std::int64_t distance = 0; distance <= wanted; ++distance) {
      for (const std::int64_t number : {wanted - distance, wanted + distance}) {
        if (number * 2 < wanted || !free(number, apart) || !is_prime(number)) continue;
        taken_.push_back({unit, number});
        prime = number;
        return true;
      }
    }
    if (apart == 0) return false;
  }
}

nanoseconds PeriodSpreader::spread(nanoseconds wanted) {
  for (const auto unit : kUnits) {
    std::int64_t prime = 0;
    if (wanted / unit >= kFewest && take(unit, wanted / unit, prime)) return unit * prime;
  }
  return wanted;
}

}  // namespace plumb::runtime
