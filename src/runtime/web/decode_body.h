// SPDX-License-Identifier: Apache-2.0
// Undoing the content coding of an answer for whoever reads it.
#pragma once

#include <optional>
#include <string>

#include "plumb/base/result.h"
#include "plumb/http/coding.h"
#include "plumb/web/reply.h"

namespace plumb::runtime {

// The coding to undo; nothing: the bytes are for the reader as they are.
std::optional<http::Coding> coding_of(const ReplyHead& head);

// The whole content. Errors: EMSGSIZE beyond `most`; EPROTO with the coding fault's name.
Result<std::string> decode_whole(const ReplyHead& head, std::string body, std::size_t most);

Error coding_error(http::CodingFault fault);

}  // namespace plumb::runtime
