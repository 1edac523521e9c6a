#pragma once

#include <map>
#include <string>
#include <string_view>

#include <davit/result.h>
#include <davit/secret.h>

namespace davit::aws {

/// The keys of one section. Names are lower case; a nested one is "ecr.endpoint_url". Any value may be a
/// secret. Plain data.
class Settings {
 public:
  void set(std::string name, Secret value) { values_.insert_or_assign(std::move(name), std::move(value)); }
  /// What `other` says is said here too, and wins.
  void merge(const Settings& other);

  [[nodiscard]] bool has(std::string_view name) const { return values_.find(name) != values_.end(); }
  [[nodiscard]] bool empty() const { return values_.empty(); }
  /// Empty when absent.
  [[nodiscard]] Secret secret(std::string_view name) const;
  [[nodiscard]] std::string text(std::string_view name) const { return secret(name).reveal(); }

 private:
  std::map<std::string, Secret, std::less<>> values_;
};

using Sections = std::map<std::string, Settings, std::less<>>;

/// The INI dialect of AWS tools. A section or key that comes twice counts as one; the later value wins.
/// Errors: corrupt, with the line's number and none of its text.
Result<Sections> parse_ini(std::string_view text);

/// What `~/.aws/config` and `~/.aws/credentials` say together. Plain data.
class ProfileFiles {
 public:
  /// Errors: corrupt, naming the file.
  static Result<ProfileFiles> parse(std::string_view config, std::string_view credentials);

  /// One profile as both files see it; null when neither has it. Keys of the credentials file win.
  [[nodiscard]] const Settings* profile(std::string_view name) const { return find(profiles_, name); }
  /// The part of a profile that is in the credentials file.
  [[nodiscard]] const Settings* in_credentials(std::string_view name) const {
    return find(credentials_, name);
  }
  /// The part that is in the config file.
  [[nodiscard]] const Settings* in_config(std::string_view name) const { return find(config_, name); }
  [[nodiscard]] const Settings* sso_session(std::string_view name) const { return find(sso_sessions_, name); }
  [[nodiscard]] const Settings* services(std::string_view name) const { return find(services_, name); }

 private:
  static const Settings* find(const Sections& sections, std::string_view name);

  Sections profiles_, config_, credentials_, sso_sessions_, services_;
};

}  // namespace davit::aws
