#pragma once

#include <cstdint>
#include <string_view>

namespace davit::registry {

/// What is particular to one kind of registry. The defaults describe the distribution specification.
struct Quirks {
  std::string_view name = "distribution";
  /// Blobs are sent in PATCHes of this many bytes; 0 sends each in one piece.
  std::uint64_t chunk_bytes = 0;
  /// Whether abandoned upload sessions can be deleted.
  bool cancels_uploads = true;
  /// Whether the tag list takes an `n` of its own.
  std::uint64_t page_size = 1000;
};

/// The row for a host ("name" or "name:port"); the first one that matches.
const Quirks& quirks_for(std::string_view host);

}  // namespace davit::registry
