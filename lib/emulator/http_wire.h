#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/socket.h"

namespace davit::emulator {

struct Header {
  std::string name;
  std::string value;
};
using Headers = std::vector<Header>;

/// The first header of that name, in any case. Null when there is none.
const std::string* find_header(const Headers& headers, std::string_view name);
/// Replaces every header of that name; an empty value removes it.
void set_header(Headers& headers, std::string_view name, std::string_view value);

/// A start line with headers, and the bytes they came as.
struct Head {
  std::string raw;
  std::string start_line;
  Headers headers;
};

/// How a message body ends.
enum class Framing { none, length, chunked, until_close };

struct BodyPlan {
  Framing framing = Framing::none;
  std::uint64_t length = 0;
};
BodyPlan request_body(const Head& head);
BodyPlan response_body(const Head& head, std::string_view method);
/// The status of a response head; 0 when it is not one.
int status_of(const Head& head);

/// Reads heads and bodies from a stream, one after the other.
class WireReader {
 public:
  explicit WireReader(Stream& stream) : stream_(stream) {}

  /// Empty when the peer closed before a complete head.
  std::optional<Head> read_head();

  /// Starts the body that follows a head.
  void begin_body(BodyPlan plan);
  /// Decoded body bytes; 0 at the end, whether complete or not.
  std::size_t read_body(char* into, std::size_t size);
  [[nodiscard]] bool body_complete() const { return complete_; }
  /// Whether bytes are at hand or come within `milliseconds`.
  [[nodiscard]] bool readable(int milliseconds) const { return at_ < end_ || stream_.readable(milliseconds); }

 private:
  std::size_t raw(char* into, std::size_t size);
  bool line(std::string& out);
  bool fill();

  Stream& stream_;
  std::array<char, 65536> buffer_{};
  std::size_t at_ = 0;
  std::size_t end_ = 0;
  Framing framing_ = Framing::none;
  std::uint64_t left_ = 0;
  bool complete_ = true;
  bool first_chunk_ = true;
};

/// "1F\r\n...\r\n"
std::string chunk(std::string_view bytes);

}  // namespace davit::emulator
