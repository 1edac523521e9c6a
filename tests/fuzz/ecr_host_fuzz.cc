#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "aws/ecr_host.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto host = davit::aws::parse_ecr_host(text);
  if (!host) return 0;
  if (host->is_public != host->account.empty() || host->region.empty()) std::abort();
  if (!host->is_public && !davit::aws::is_account(host->account)) std::abort();
  if (text.find_first_of("/@?#% \r\n") != std::string_view::npos) std::abort();
  return 0;
}
