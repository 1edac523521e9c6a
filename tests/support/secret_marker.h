#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/base64.h"
#include "emulator/http_server.h"

namespace davit::test {

/// A secret that is easy to find again: use text() as a password or token, run something, and look through
/// everything that came out of it.
class SecretMarker {
 public:
  /// `name` tells markers of one test apart. The text has characters that percent-encoding changes.
  explicit SecretMarker(std::string_view name) : text_("s3cret+" + std::string(name) + "/marker=") {}

  [[nodiscard]] const std::string& text() const { return text_; }

  /// The forms in which `output` gives the secret away; empty when it keeps it.
  [[nodiscard]] std::vector<std::string> leaks_in(std::string_view output) const {
    std::vector<std::string> out;
    for (const auto& [form, needle] : forms()) {
      if (output.find(needle) != std::string_view::npos) out.push_back(form);
    }
    return out;
  }

 private:
  /// How the secret may look. Base64 depends on what stands before it, so all three alignments are searched,
  /// without the characters at both ends that neighbours have a part in.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> forms() const {
    std::vector<std::pair<std::string, std::string>> out{
        {"plain", text_}, {"percent-encoded", emulator::percent_encoded(text_)}};
    for (std::size_t before = 0; before < 3; ++before) {
      const std::string whole = crypto::base64_encode(std::string(before, 'x') + text_);
      out.emplace_back("base64", whole.substr(4, whole.size() - 8));
    }
    return out;
  }

  std::string text_;
};

}  // namespace davit::test
