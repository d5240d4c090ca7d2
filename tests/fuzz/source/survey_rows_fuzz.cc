// SPDX-License-Identifier: Apache-2.0
// Any bytes as the iterators' rows: the result may be empty, but every reference in it is good.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "detect/source/survey_rows.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumb::detect;
  using plumb::number;
  const SurveyRequest request;
  SurveyRows rows(request, {.began = {}, .tick = std::chrono::milliseconds(4), .page_bytes = 4096});
  rows.add({reinterpret_cast<const std::byte*>(data), size});
  rows.leave_out(rows.without_descriptors());
  const Survey survey = std::move(rows).finish();
  for (const Descriptor& descriptor : survey.descriptors) {
    require(number(descriptor.process) < survey.processes.size());
    require(!descriptor.socket || number(*descriptor.socket) < survey.sockets.size());
    require(survey.texts.at(descriptor.name).size() == descriptor.name.length);
  }
  for (const Process& process : survey.processes) {
    require(process.first_thread + process.listed_threads <= survey.threads.size());
  }
  return 0;
}
