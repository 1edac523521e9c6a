// Pulls an image into an OCI layout:
//
//     pull REFERENCE DIRECTORY
//
// Run again, it fetches nothing; run again after an interruption, it goes on where it was.

#include <iostream>
#include <string>

#include <davit/davit.h>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: pull REFERENCE DIRECTORY\n";
    return 64;
  }
  davit::Client client{davit::ClientOptions::from_environment()};
  const auto pulled = client.pull(argv[1], "oci:" + std::string(argv[2]), {.referrers = true});
  if (!pulled) {
    std::cerr << pulled.error().to_string() << '\n';
    if (!pulled.error().hint.empty()) std::cerr << pulled.error().hint << '\n';
    return 1;
  }
  std::cout << pulled->root.digest.to_string() << (pulled->unchanged ? " was there already\n" : "\n");
  return 0;
}
