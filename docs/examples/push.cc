// Pushes an image tarball into a registry and prints its digest:
//
//     push IMAGE.tar REGISTRY/REPOSITORY:TAG
//
// The tests build this program in the three ways in which yours may find davit: tests/embed.

#include <chrono>
#include <iostream>

#include <davit/davit.h>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: push IMAGE.tar REGISTRY/REPOSITORY:TAG\n";
    return 64;
  }

  // Credentials, proxies and certificates of this machine. A default ClientOptions knows none of them.
  davit::Client client{davit::ClientOptions::from_environment()};

  // Every option has a documented default; name those that matter. The tag moves when everything else has
  // arrived.
  const auto pushed = client.push(argv[1], argv[2], {.timeout = std::chrono::minutes(30)});
  if (pushed) {
    std::cout << pushed->destination << '@' << pushed->root.digest.to_string() << '\n';
    return 0;
  }

  // Failures are values: decide by the code, show the text to people.
  const davit::Error& error = pushed.error();
  std::cerr << "push: " << error.to_string() << '\n';
  if (!error.hint.empty()) std::cerr << "hint: " << error.hint << '\n';
  switch (error.code) {
    case davit::Errc::unauthenticated:
    case davit::Errc::denied:
      return 3;
    case davit::Errc::local_io:
      return 8;
    default:
      return error.retryable ? 75 : 1;  // 75: try again later
  }
}
