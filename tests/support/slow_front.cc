// A proxy that makes a registry as slow as one far away, for benchmarks:
//   slow_front --listen 127.0.0.1:0 --upstream 127.0.0.1:5000 --rtt-ms 30 --rate 40M
// prints the port it listens on and serves until it is killed. The rate is bytes per second, per connection
// and direction; the round trip is added to every connection and to every exchange.
#include <pthread.h>

#include <csignal>
#include <cstdint>
#include <exception>
#include <iostream>
#include <string>

#include "support/fault_server.h"

namespace {

std::uint64_t parse_rate(const std::string& text) {
  std::size_t used = 0;
  const std::uint64_t number = std::stoull(text, &used);
  const std::string unit = text.substr(used);
  if (unit.empty()) return number;
  if (unit == "K") return number * 1'000;
  if (unit == "M") return number * 1'000'000;
  throw std::invalid_argument("rate " + text);
}

}  // namespace

int main(int argc, char** argv) try {
  davit::test::FaultServerOptions options;
  options.body_kept = 0;
  options.records_kept = 0;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--listen") {
      options.listen = davit::test::Address::parse(value);
    } else if (name == "--upstream") {
      options.upstream = davit::test::Address::parse(value);
    } else if (name == "--rtt-ms") {
      options.round_trip = std::chrono::milliseconds(std::stoul(value));
    } else if (name == "--rate") {
      options.bytes_per_second = parse_rate(value);
    } else {
      throw std::invalid_argument(name);
    }
  }
  if (!options.upstream) throw std::invalid_argument("--upstream HOST:PORT is needed");

  // Blocked before the server starts its threads, so that only sigwait sees them.
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  const davit::test::FaultServer server(options);
  std::cout << server.address().port << std::endl;
  int signal = 0;
  sigwait(&ending, &signal);
  return 0;
} catch (const std::exception& failure) {
  std::cerr << "slow_front: " << failure.what() << "\n";
  return 2;
}
