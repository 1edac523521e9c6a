#include "model/patterns.h"

#include <algorithm>
#include <vector>

#include <re2/re2.h>

#include "base/error.h"
#include "base/escape.h"

namespace davit::model {
namespace {

constexpr std::int64_t kMostMemory = 1 << 20;  // of one expression

}  // namespace

struct Patterns::Compiled {
  std::vector<std::unique_ptr<re2::RE2>> each;
};

Patterns::Patterns() : compiled_(std::make_shared<const Compiled>()) {}

Result<Patterns> Patterns::compile(std::span<const std::string> texts) {
  auto out = std::make_shared<Compiled>();
  for (const std::string& text : texts) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(kMostMemory);
    auto& pattern = out->each.emplace_back(std::make_unique<re2::RE2>(text, options));
    if (!pattern->ok())
      return make_error(Errc::invalid_argument,
                        "\"" + escaped(text, 120) + "\" is no pattern: " + escaped(pattern->error(), 120),
                        "patterns are RE2 and match a whole tag: 1\\.[0-9]+");
  }
  return Patterns(std::move(out));
}

bool Patterns::empty() const {
  return compiled_->each.empty();
}

bool Patterns::match(std::string_view text) const {
  return std::ranges::any_of(compiled_->each, [&](const auto& pattern) {
    return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), *pattern);
  });
}

}  // namespace davit::model
