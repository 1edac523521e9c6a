#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "emulator/ecr/backend.h"
#include "emulator/ecr/input.h"
#include "emulator/ecr/principals.h"

namespace davit::emulator {

/// One call of the ECR API whose signature is good.
struct ApiCall {
  Backend& backend;
  const Principal& caller;
  const Input& input;
  bool for_public = false;
  /// A URL from which a blob can be downloaded.
  const std::function<std::string(const std::string& repository, const Digest& digest)>& download_url;
  std::string operation;

  /// Begins the operation on this repository, see Controls::admit. Throws Refusal when it may not be done or
  /// the repository is not there.
  [[nodiscard]] std::string admitted_repository() const;
  /// The same, whether it is there or not.
  [[nodiscard]] std::string admitted_name() const;
  /// For operations on the registry as a whole.
  void admit() const;
  /// The name below which the account's repositories are in the public gallery.
  [[nodiscard]] std::string own_alias() const {
    return std::string(backend.controls().modes().get("public-alias"));
  }
};

using ApiOperation = nlohmann::json (*)(const ApiCall& call);
using ApiOperations = std::map<std::string, ApiOperation, std::less<>>;

// Each adds the operations of one file.
void add_repository_operations(ApiOperations& all);
void add_settings_operations(ApiOperations& all);
void add_layer_operations(ApiOperations& all);
void add_image_operations(ApiOperations& all);
void add_registry_operations(ApiOperations& all);
void add_job_operations(ApiOperations& all);
void add_rule_operations(ApiOperations& all);
void add_gallery_operations(ApiOperations& all);

/// Whether the public gallery has it, and whether nothing else has.
bool is_in_gallery(std::string_view operation);
bool is_for_gallery_only(std::string_view operation);
/// What a request says that the gallery shows of a repository. Throws Refusal.
nlohmann::json catalog_data(const Input& input);

/// The image that an imageId of a request names. Throws Refusal when there is none.
Manifest named_image(const ApiCall& call, const std::string& repository, const Input& id);

/// Seconds since 1970, with a fraction.
double epoch(ShiftedClock::Time time);

/// One page of a list: where it begins and ends, and the token of the next one (empty: none). Throws Refusal
/// for a token that the emulator has not given out.
struct ApiPage {
  std::size_t first = 0;
  std::size_t last = 0;
  std::string next;
};
ApiPage page_of(const Input& input, std::size_t total, std::size_t default_size, std::size_t largest);

/// A page of rows as an answer.
nlohmann::json paged(const Input& input, const char* member, const std::vector<nlohmann::json>& rows,
                     std::size_t default_size = 100, std::size_t largest = 1000);

/// The token by which a list goes on at `at`, and back. Nullopt: not one of ours.
std::string page_token(std::size_t at);
std::optional<std::size_t> read_page_token(std::string_view token);

}  // namespace davit::emulator
