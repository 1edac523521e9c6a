#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <davit/transfer.h>

namespace davit::tool {

/// Whether a destination, as results name it, is a file or a folder.
bool is_file(std::string_view destination);

/// Archives are not written to terminals. Errors: invalid_argument.
Result<> check_stdout(const std::vector<std::string>& destinations);
/// Prints results: on stderr when an archive goes to stdout. False when that cannot be written.
bool print_results(const std::string& results, const std::vector<std::string>& destinations);

/// Those of the images that were asked for, without what came with them under digest tags (CopyOptions).
std::vector<Delivery> without_companions(const std::vector<Delivery>& deliveries);
/// The others.
std::vector<Delivery> companions(const std::vector<Delivery>& deliveries);
/// One "registry/repository@sha256:…" line for each destination that was reached, in order.
std::string reference_lines(const std::vector<Delivery>& deliveries);
/// One JSON object for each destination, one per line.
std::string json_lines(const std::vector<Delivery>& deliveries);
/// The same where nothing was begun, for this reason.
std::string json_lines(const std::vector<std::string>& destinations, const Error& why);
/// What a push would do.
/// `creating`: whether repositories that are missing will be made.
std::string plan_text(const std::vector<Plan>& plans, bool creating);
std::string plan_json(const std::vector<Plan>& plans);

}  // namespace davit::tool
