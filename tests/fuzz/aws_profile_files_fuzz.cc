// Any bytes as both files of AWS tools, split at the first NUL; then what a chain does with them up to the
// point where it would ask somebody.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "aws/profile_files.h"
#include "aws/setup.h"
#include "aws/shell_words.h"

using namespace davit;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t split = text.find('\0');
  auto files = aws::ProfileFiles::parse(text.substr(0, split),
                                        split == std::string_view::npos ? "" : text.substr(split + 1));
  if (!files) {
    // What a file holds is never in the message: these are the words of the parser alone.
    if (files.error().message.size() > 120) std::abort();
    return 0;
  }
  const aws::Setup setup{.who = {}, .environment = {}, .files = *std::move(files)};
  static_cast<void>(setup.region());
  for (const auto service : {aws::Service::ecr, aws::Service::sts, aws::Service::sso}) {
    const auto endpoint = setup.endpoint(service, setup.region(), {});
    if (endpoint && endpoint->url.host().empty()) std::abort();
  }
  if (const aws::Settings* settings = setup.files.profile("default"); settings != nullptr) {
    const auto words = aws::split_words(settings->text("credential_process"));
    if (words && words->size() > size) std::abort();
  }
  return 0;
}
