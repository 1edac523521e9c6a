#include "ui/terminal_text.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/ioctl.h>
#include <unistd.h>

namespace davit::tool {
namespace {

/// 0, or the errno of the write that failed.
int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

void say(const std::string& line) {
  write_all(STDERR_FILENO, line + "\n");
}

void complain(std::string_view message, std::string_view hint) {
  std::string text = "davit: " + std::string(message) + "\n";
  if (!hint.empty()) text += "hint: " + std::string(hint) + "\n";
  write_all(STDERR_FILENO, text);
}

bool print(const std::string& text) {
  const int problem = write_all(STDOUT_FILENO, text);
  if (problem == 0) return true;
  complain("write the result to stdout: " + std::string(std::strerror(problem)));
  return false;
}

std::string printable(std::string_view text, std::size_t limit) {
  const auto byte_at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  // Of the character that begins there; 0 when none does.
  const auto length_at = [&](std::size_t i) -> std::size_t {
    const unsigned char lead = byte_at(i);
    const std::size_t length = lead < 0x80                    ? 1
                               : lead >= 0xc2 && lead <= 0xdf ? 2
                               : lead >= 0xe0 && lead <= 0xef ? 3
                               : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                              : 0;
    for (std::size_t more = 1; more < length; ++more)
      if (i + more >= text.size() || (byte_at(i + more) & 0xc0) != 0x80) return 0;
    return length;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (out.size() >= limit) return out + "...";
    const std::size_t length = length_at(i);
    // The control characters beyond ASCII are C2 80 to C2 9F.
    const bool c1 = length == 2 && byte_at(i) == 0xc2 && byte_at(i + 1) < 0xa0;
    if (length != 0 && byte_at(i) >= 0x20 && byte_at(i) != 0x7f && !c1) {
      out += text.substr(i, length);
      i += length;
      continue;
    }
    if (c1) ++i;
    const unsigned char shown = byte_at(i++);
    if (shown == '\n') {
      out += "\\n";
    } else if (shown == '\t') {
      out += ' ';
    } else {
      const char digits[] = "0123456789abcdef";
      out += "\\x";
      out += digits[shown >> 4];
      out += digits[shown & 15];
    }
  }
  return out;
}

bool stderr_is_terminal() {
  return ::isatty(STDERR_FILENO) == 1;
}

std::size_t terminal_width() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

std::size_t output_width() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return std::clamp<std::size_t>(size.ws_col, 60, 110);
}

}  // namespace davit::tool
