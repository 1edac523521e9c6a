#include "arguments.h"

#include <cstring>
#include <string_view>

namespace davit::tool {
namespace {

constexpr std::string_view kSecretFlags[] = {
    "--creds",          "--src-creds",          "--dest-creds",
    "--registry-token", "--src-registry-token", "--dest-registry-token",
    "--password"};

void wipe(char* text) {
  std::memset(text, 'x', std::strlen(text));
}

}  // namespace

std::vector<std::string> take_arguments(int argc, char** argv) {
  std::vector<std::string> out(argv + 1, argv + argc);
  const bool login =
      argc > 1 && std::string_view(argv[1]) == "login";  // the only command where -p is a password
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const auto wipe_next = [&] {
      if (i + 1 < argc) wipe(argv[i + 1]);
    };
    for (const std::string_view flag : kSecretFlags) {
      if (word == flag) wipe_next();
      if (word.starts_with(flag) && word.size() > flag.size() && word[flag.size()] == '=')
        wipe(argv[i] + flag.size() + 1);
    }
    if (login && word == "-p") wipe_next();
    if (login && word.starts_with("-p") && word.size() > 2) wipe(argv[i] + 2);
  }
  return out;
}

}  // namespace davit::tool
