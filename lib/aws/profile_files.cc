#include "aws/profile_files.h"

#include <optional>
#include <vector>

#include "aws/shell_words.h"
#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::aws {
namespace {

constexpr std::size_t kLongestFile = 1u << 20;
constexpr std::size_t kMostKeys = 50'000;

constexpr std::string_view kBlanks = " \t\r\f\v";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

struct Pair {
  std::string name;
  std::string_view value;
};

std::optional<Pair> pair_of(std::string_view line) {
  const std::size_t at = line.find_first_of("=:");
  if (at == std::string_view::npos) return {};
  Pair pair{lower_case(trimmed(line.substr(0, at))), trimmed(line.substr(at + 1))};
  if (pair.name.empty()) return {};
  return pair;
}

class IniReader {
 public:
  Result<> line(std::string_view raw) {
    const std::string_view text = trimmed(raw);
    if (text.empty() || text.front() == '#' || text.front() == ';') return {};
    // Further in than the key above: it belongs to that one. As far in: a file that is indented as a whole.
    const std::size_t indent = raw.find_first_not_of(kBlanks);
    const bool deeper = !last_.empty() && indent > indent_;
    if (text.front() == '[' && !deeper) return header(text);
    if (current_ == nullptr) return wrong("stands in no section");
    if (++keys_ > kMostKeys) return wrong("is one key too many");
    if (deeper) return continued(text);
    const auto pair = pair_of(text);
    if (!pair) return wrong("is neither a section nor a key with a value");
    last_ = pair->name;
    indent_ = indent;
    current_->set(pair->name, Secret(std::string(pair->value)));
    return {};
  }

  std::size_t number = 0;
  Sections sections;

 private:
  Result<> header(std::string_view text) {
    const std::size_t end = text.find(']');
    const std::string_view name = trimmed(text.substr(1, end == std::string_view::npos ? 0 : end - 1));
    if (name.empty()) return wrong("is no section");
    current_ = &sections[std::string(name)];
    last_.clear();
    return {};
  }

  /// Under a key without a value: a key of its own, one level down. Under another: more of its value.
  Result<> continued(std::string_view text) {
    const std::string above = current_->text(last_);
    if (!above.empty()) {
      current_->set(last_, Secret(above + "\n" + std::string(text)));
      return {};
    }
    const auto pair = pair_of(text);
    if (!pair) return wrong("is no key with a value");
    current_->set(last_ + "." + pair->name, Secret(std::string(pair->value)));
    return {};
  }

  [[nodiscard]] Error wrong(const char* why) const {
    return make_error(Errc::corrupt, "line " + std::to_string(number) + " " + why);
  }

  Settings* current_ = nullptr;  // in `sections`
  std::string last_;             // the key above
  std::size_t indent_ = 0;       // and how far in it stands
  std::size_t keys_ = 0;
};

/// "profile ci" is {"profile", "ci"}; "[profile "my ci"]" has its name in quotes.
std::vector<std::string> words_of(const std::string& header) {
  return split_words(header).value_or(std::vector<std::string>());
}

}  // namespace

void Settings::merge(const Settings& other) {
  for (const auto& [name, value] : other.values_) set(name, value);
}

Secret Settings::secret(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? Secret() : found->second;
}

Result<Sections> parse_ini(std::string_view text) {
  if (text.size() > kLongestFile)
    return make_error(Errc::corrupt, "more than " + std::to_string(kLongestFile) + " bytes");
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (text.find('\0') != std::string_view::npos || !is_utf8(text))
    return make_error(Errc::corrupt, "not a text file");
  IniReader reader;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    ++reader.number;
    DAVIT_TRY_VOID(reader.line(line));
  }
  return std::move(reader.sections);
}

Result<ProfileFiles> ProfileFiles::parse(std::string_view config, std::string_view credentials) {
  auto from_config = parse_ini(config);
  if (!from_config) return from_config.error().with_context("AWS config file");
  auto from_credentials = parse_ini(credentials);
  if (!from_credentials) return from_credentials.error().with_context("AWS credentials file");
  ProfileFiles files;
  for (const auto& [header, settings] : *from_config) {
    const std::vector<std::string> words = words_of(header);
    if (words.size() == 1 && words[0] == "default") files.config_["default"].merge(settings);
    if (words.size() != 2) continue;
    if (words[0] == "profile") files.config_[words[1]].merge(settings);
    if (words[0] == "sso-session") files.sso_sessions_[words[1]].merge(settings);
    if (words[0] == "services") files.services_[words[1]].merge(settings);
  }
  files.credentials_ = *std::move(from_credentials);
  files.profiles_ = files.config_;
  for (const auto& [name, settings] : files.credentials_) files.profiles_[name].merge(settings);
  return files;
}

const Settings* ProfileFiles::find(const Sections& sections, std::string_view name) {
  const auto found = sections.find(name);
  return found == sections.end() ? nullptr : &found->second;
}

}  // namespace davit::aws
