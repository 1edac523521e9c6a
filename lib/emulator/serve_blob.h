#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "emulator/http_server.h"
#include "emulator/storage.h"

namespace davit::emulator {

/// "A-B", both inclusive.
struct Span {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};
/// Nullopt when it is none. With `open_end`, "A-" reaches to the end of `size` bytes.
std::optional<Span> parse_span(std::string_view text, std::uint64_t size, bool open_end);

/// A blob, or the one range of it that the request asks for. Several ranges are answered with the whole blob.
Response serve_blob(const Request& request, const std::shared_ptr<const Blob>& blob);

/// An error as an object store says it: XML.
Response store_refusal(int status, std::string_view error, std::string_view message);

}  // namespace davit::emulator
