#include "emulator/serve_blob.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace davit::emulator {

std::optional<Span> parse_span(std::string_view text, std::uint64_t size, bool open_end) {
  Span span{0, size == 0 ? 0 : size - 1};
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto number = [](std::string_view digits, std::uint64_t& out) {
    return std::from_chars(digits.data(), digits.data() + digits.size(), out).ptr ==
               digits.data() + digits.size() &&
           !digits.empty();
  };
  if (!number(text.substr(0, dash), span.first)) return std::nullopt;
  const auto end = text.substr(dash + 1);
  if (end.empty() ? !open_end : !number(end, span.last)) return std::nullopt;
  if (span.last < span.first) return std::nullopt;
  return span;
}

Response serve_blob(const Request& request, const std::shared_ptr<const Blob>& blob) {
  Response response{.headers = {{"Content-Type", "application/octet-stream"}, {"Accept-Ranges", "bytes"}}};
  Span span{0, blob->size() == 0 ? 0 : blob->size() - 1};
  const std::string range = request.header("Range");
  constexpr std::string_view kUnit = "bytes=";
  const std::string total = std::to_string(blob->size());
  if (range.starts_with(kUnit) && range.find(',') == std::string::npos) {
    const auto asked = parse_span(std::string_view(range).substr(kUnit.size()), blob->size(), true);
    if (!asked || asked->first >= blob->size()) {
      return {.status = 416, .headers = {{"Content-Range", "bytes */" + total}}};
    }
    span = {asked->first, std::min(asked->last, blob->size() - 1)};
    response.status = 206;
    response.headers.push_back({"Content-Range", "bytes " + std::to_string(span.first) + "-" +
                                                     std::to_string(span.last) + "/" + total});
  }
  response.stream_length = blob->size() == 0 ? 0 : span.last - span.first + 1;
  response.stream = Blob::reader(blob, span.first);
  return response;
}

Response store_refusal(int status, std::string_view error, std::string_view message) {
  return {.status = status,
          .headers = {{"Content-Type", "application/xml"}},
          .body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + std::string(error) +
                  "</Code><Message>" + std::string(message) + "</Message></Error>"};
}

}  // namespace davit::emulator
