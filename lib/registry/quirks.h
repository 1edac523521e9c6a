#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <davit/error.h>

#include "registry/action.h"

namespace davit::registry {

/// Which row of the table a registry has. Chosen by whoever knows what it is, because a name need not show
/// it.
enum class Kind { distribution, ecr, ecr_public };

/// What a registry means by an answer, in words that help.
struct Explanation {
  std::string_view code;  ///< the registry's error code; empty: any
  std::string_view text;  ///< a part of its message; empty: any
  std::string_view hint;
  std::optional<Errc> code_of_error = {};  ///< where the status says something else than what is meant
  bool for_writers = false;                ///< the hint helps only those who write there
};

/// What is particular to one kind of registry. The defaults describe the distribution specification.
struct Quirks {
  std::string_view name = "distribution";
  /// Blobs are sent in PATCHes of this many bytes; 0 sends each in one piece.
  std::uint64_t chunk_bytes = 0;
  /// The smallest PATCH that is taken, but for the last.
  std::uint64_t least_chunk_bytes = 0;
  /// Whether abandoned upload sessions can be deleted.
  bool cancels_uploads = true;
  /// Whether the tag list takes an `n` of its own.
  std::uint64_t page_size = 1000;
  /// Whether a blob of no bytes can be stored.
  bool takes_empty_blobs = true;
  /// Whether a 404 to HEAD of a manifest can be believed; otherwise GET is asked as well.
  bool head_manifests_final = false;
  /// Whether HEAD tells about blobs.
  bool head_blobs = true;
  /// What an image may have at most; 0: no limit is known.
  std::size_t most_layers = 0;
  std::uint64_t most_manifest_bytes = 0;
  /// What it is asked in a second at most.
  Rates rates = {};
  /// What its refusals mean.
  std::span<const Explanation> explanations = {};
  /// What a connection that is cut when an upload should begin may mean.
  std::string_view cut_upload_hint = {};

  /// What is known about a refusal; null when nothing is.
  [[nodiscard]] const Explanation* explain(std::string_view code, std::string_view text) const;
};

const Quirks& quirks_of(Kind kind);

}  // namespace davit::registry
