// SPDX-License-Identifier: Apache-2.0
// Media types by file name extension, after the registrations of IANA.
#pragma once

#include <string_view>

namespace plumb::runtime {

// Of "page.HTML": "text/html; charset=utf-8"; of an unknown one "application/octet-stream".
std::string_view media_type_of(std::string_view file_name) noexcept;

}  // namespace plumb::runtime
