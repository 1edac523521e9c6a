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
