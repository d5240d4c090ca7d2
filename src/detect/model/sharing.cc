// SPDX-License-Identifier: Apache-2.0
// Numbering of open files.
#include "detect/model/sharing.h"

#include "detect/model/flat_index.h"

namespace plumb::detect {

Sharing::Sharing(const Survey& survey) : file_of_(survey.descriptors.size(), Groups::kNone) {
  const std::vector<Descriptor>& rows = survey.descriptors;
  FlatIndex index(rows.size());
  std::uint32_t files = 0;
  for (std::uint32_t d = 0; d < rows.size(); ++d) {
    if (!rows[d].file) continue;
    const std::uint32_t first =
        index.find_or_insert(mix(static_cast<std::uint64_t>(*rows[d].file)), d,
                             [&](std::uint32_t o) { return rows[o].file == rows[d].file; });
    file_of_[d] = first == d ? files++ : file_of_[first];
  }
  by_file_ = Groups(file_of_, files);
}

std::span<const DescriptorIndex> Sharing::holders_of(DescriptorIndex descriptor) const {
  const std::uint32_t file = file_of_[number(descriptor)];
  if (file == Groups::kNone) return {};
  return by_file_[file];
}

std::optional<std::uint32_t> Sharing::file_number(DescriptorIndex descriptor) const {
  const std::uint32_t file = file_of_[number(descriptor)];
  if (file == Groups::kNone) return std::nullopt;
  return file + 1;
}

}  // namespace plumb::detect
