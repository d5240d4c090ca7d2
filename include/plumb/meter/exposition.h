// SPDX-License-Identifier: Apache-2.0
// Exposition: a scrape as text, in Prometheus' format 0.0.4 or as OpenMetrics 1.0
// (prometheus.io/docs/instrumenting/exposition_formats, OpenMetrics specification 1.0.0).
// Pure. Threads: any.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "plumb/meter/metric.h"

namespace plumb::runtime {

enum class Exposition : std::uint8_t { kPrometheus, kOpenMetrics };

// What a response carries as Content-Type.
std::string_view content_type(Exposition format) noexcept;

// The format that a client asks for with the field value `accept`: OpenMetrics where it names it
// (with a weight that is not 0), Prometheus otherwise.
Exposition exposition_for(std::string_view accept) noexcept;

// Families in the order given, each once.
std::string expose(std::span<const Family> families, Exposition format);

}  // namespace plumb::runtime
