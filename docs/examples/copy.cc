// Copies an image in the background and shows how far it is:
//
//     copy SOURCE DESTINATION...

#include <chrono>
#include <iostream>
#include <string>
#include <vector>

#include <davit/davit.h>

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: copy SOURCE DESTINATION...\n";
    return 64;
  }
  davit::Client client{davit::ClientOptions::from_environment()};

  // Dropping the handle would cancel the copy and wait for its end.
  davit::Transfer transfer = client.start_copy(argv[1], std::vector<std::string>(argv + 2, argv + argc));
  while (!transfer.wait_for(std::chrono::milliseconds(200))) {
    const davit::Progress now = transfer.progress();
    if (now.planned) std::cerr << now.bytes_done << " of " << now.bytes_total << " bytes\n";
  }

  const auto deliveries = transfer.result();
  if (!deliveries) {
    std::cerr << deliveries.error().to_string() << '\n';
    return 1;
  }
  int failed = 0;
  for (const davit::Delivery& each : *deliveries) {
    if (each.result) {
      std::cout << each.destination << '@' << each.result->root.digest.to_string() << '\n';
    } else {
      std::cerr << each.result.error().to_string() << '\n';
      ++failed;
    }
  }
  return failed == 0 ? 0 : 1;
}
