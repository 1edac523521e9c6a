// Makes a multi-platform index and pushes it:
//
//     index DESTINATION SOURCE...
//
// as in: index registry.example.com/app:1.4 app-amd64.tar app-arm64.tar

#include <iostream>
#include <string>
#include <vector>

#include <davit/davit.h>

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: index DESTINATION SOURCE...\n";
    return 64;
  }
  davit::Client client{davit::ClientOptions::from_environment()};

  std::vector<davit::IndexPart> parts;
  for (int i = 2; i < argc; ++i) parts.push_back({.source = argv[i]});
  davit::IndexOptions options;
  options.annotations["org.opencontainers.image.title"] = "an example";

  // Images are compressed, copied or mounted as needed; the tag moves last.
  const auto made = client.create_index(argv[1], parts, options);
  if (!made) {
    std::cerr << made.error().to_string() << '\n';
    if (!made.error().hint.empty()) std::cerr << made.error().hint << '\n';
    return 1;
  }
  std::cout << made->destination << '@' << made->root.digest.to_string() << '\n';

  // What it lists now.
  const auto image = client.open(argv[1]);
  if (!image) return 1;
  const auto index = image->source->manifest(image->root.digest.to_string(), {});
  if (!index) return 1;
  for (const davit::Descriptor& entry : index->manifests())
    std::cerr << (entry.platform ? entry.platform->to_string() : "-") << ' ' << entry.digest.to_string()
              << '\n';
  return 0;
}
