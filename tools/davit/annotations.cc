#include "annotations.h"

#include <davit/error.h>

namespace davit::tool {

Result<std::map<std::string, std::string>> parse_annotations(const std::vector<std::string>& texts,
                                                             const std::string& what) {
  std::map<std::string, std::string> out;
  for (const std::string& text : texts) {
    const auto equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
      return Error{.code = Errc::invalid_argument,
                   .message = what + " " + text + ": not KEY=VALUE",
                   .hint = "for instance org.opencontainers.image.version=1.4"};
    out[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return out;
}

}  // namespace davit::tool
