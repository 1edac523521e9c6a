// mirror SOURCE TARGET...: keeps copies of a repository's versions in other registries.
#include <iostream>
#include <string>
#include <vector>

#include <davit/davit.h>

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "mirror SOURCE TARGET...\n";
    return 64;
  }
  davit::Client client(davit::ClientOptions::from_environment());

  davit::MirrorJob job;
  job.sources = {argv[1]};
  job.targets.assign(argv + 2, argv + argc);
  job.tags.choice = davit::TagChoice{.semver = ">=1", .latest = 10};

  davit::MirrorOptions options;
  options.each = [](const davit::MirrorEntry& entry) {
    if (entry.what == davit::MirrorEntry::What::copied)
      std::cout << entry.target << ':' << entry.tag << '@' << entry.root->digest.to_string() << '\n';
    if (entry.error) std::cerr << entry.error->to_string() << '\n';
  };
  const auto totals = client.mirror({&job, 1}, options);
  if (!totals) {
    std::cerr << totals.error().to_string() << '\n';
    return 1;
  }
  std::cerr << totals->copied << " copied, " << totals->unchanged << " unchanged, " << totals->failed
            << " failed\n";
  return totals->failed == 0 ? 0 : 1;
}
