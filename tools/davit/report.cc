#include "report.h"

#include <algorithm>
#include <iterator>

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "error_json.h"
#include "ui/json_text.h"
#include "ui/terminal_text.h"
#include "units.h"

namespace davit::tool {
namespace {

using json = nlohmann::ordered_json;

json to_json(const Descriptor& descriptor) {
  return {{"mediaType", descriptor.media_type},
          {"digest", descriptor.digest.to_string()},
          {"size", descriptor.size}};
}

json to_json(const Delivery& delivery) {
  if (!delivery.result) {
    return {{"destination", delivery.destination}, {"error", tool::to_json(delivery.result.error())}};
  }
  const Delivered& done = *delivery.result;
  return {{"destination", done.destination},
          {"reference", done.destination + "@" + done.root.digest.to_string()},
          {"digest", done.root.digest.to_string()},
          {"mediaType", done.root.media_type},
          {"size", done.root.size},
          {"tags", done.tags},
          {"unchanged", done.unchanged},
          {"blobs",
           {{"present", done.blobs.present},
            {"reused", done.blobs.reused},
            {"mounted", done.blobs.mounted},
            {"sent", done.blobs.sent},
            {"bytesSent", done.blobs.bytes_sent}}}};
}

/// "sha256-HEX.sig", or without an ending.
bool is_digest_tag(std::string_view tag) {
  std::string digest(tag.substr(0, tag.find('.')));
  if (const auto dash = digest.find('-'); dash != std::string::npos) digest[dash] = ':';
  return Digest::parse(digest).has_value();
}

bool is_companion(const Delivery& delivery) {
  return delivery.result && !delivery.result->tags.empty() &&
         std::ranges::all_of(delivery.result->tags, is_digest_tag);
}

bool goes_to_stdout(const std::string& destination) {
  return destination == "-" || destination == "docker-archive:-" || destination == "oci-archive:-" ||
         destination.starts_with("docker-archive:-:") || destination.starts_with("oci-archive:-:");
}

}  // namespace

bool is_file(std::string_view destination) {
  return destination.starts_with("oci:") || destination.starts_with("oci-archive:") ||
         destination.starts_with("docker-archive:");
}

Result<> check_stdout(const std::vector<std::string>& destinations) {
  if (!std::ranges::any_of(destinations, goes_to_stdout) || ::isatty(STDOUT_FILENO) != 1) return {};
  return Error{.code = Errc::invalid_argument,
               .message = "an archive is not written to a terminal",
               .hint = "redirect standard output, or name a file"};
}

bool print_results(const std::string& results, const std::vector<std::string>& destinations) {
  if (!std::ranges::any_of(destinations, goes_to_stdout)) return print(results);
  if (!results.empty()) say(results.substr(0, results.size() - 1));
  return true;
}

std::vector<Delivery> without_companions(const std::vector<Delivery>& deliveries) {
  if (std::ranges::all_of(deliveries, is_companion)) return deliveries;  // one of them was asked for by name
  std::vector<Delivery> out;
  std::ranges::remove_copy_if(deliveries, std::back_inserter(out), is_companion);
  return out;
}

std::vector<Delivery> companions(const std::vector<Delivery>& deliveries) {
  std::vector<Delivery> out;
  if (std::ranges::all_of(deliveries, is_companion)) return out;
  std::ranges::copy_if(deliveries, std::back_inserter(out), is_companion);
  return out;
}

std::string reference_lines(const std::vector<Delivery>& deliveries) {
  std::string out;
  for (const Delivery& delivery : deliveries) {
    if (delivery.result) out += delivery.destination + "@" + delivery.result->root.digest.to_string() + "\n";
  }
  return out;
}

std::string json_lines(const std::vector<Delivery>& deliveries) {
  std::string out;
  for (const Delivery& delivery : deliveries) out += json_line(to_json(delivery)) + "\n";
  return out;
}

std::string json_lines(const std::vector<std::string>& destinations, const Error& why) {
  std::vector<Delivery> deliveries;
  Error error = why;
  if (destinations.size() > 1) error.message = "nothing was begun: " + error.message;
  for (const std::string& destination : destinations) {
    if (!destination.empty()) deliveries.push_back({.destination = destination, .result = error});
  }
  return json_lines(deliveries);
}

std::string plan_text(const std::vector<Plan>& plans, bool creating) {
  std::string out;
  for (const Plan& plan : plans) {
    const bool file = is_file(plan.destination);
    out += plan.destination + (plan.root ? "@" + plan.root->digest.to_string() : std::string()) + "\n";
    if (!plan.changes()) {
      out += "  nothing to do, the image is there\n";
      continue;
    }
    if (plan.repository_missing)
      out += creating ? "  create   the repository\n" : "  missing  the repository; --create-repo makes it\n";
    for (const Descriptor& blob : plan.present)
      out += "  present  " + blob.digest.short_form() + "  " + human_size(blob.size) + "\n";
    for (const Plan::Blob& blob : plan.to_mount)
      out += "  mount    " + blob.name + "  " + human_size(blob.size) + "\n";
    for (const Plan::Blob& blob : plan.to_send) {
      out += (file ? "  write    " : "  send     ") + blob.name + "  " + human_size(blob.size) +
             (blob.to_compress ? " before compression" : "") + "\n";
    }
    for (const Plan::Tag& tag : plan.tags) {
      out += "  tag      " + tag.name + (tag.from ? ", now at " + tag.from->to_string() : ", new") + "\n";
    }
    if (plan.root_missing) out += "  image    by its digest\n";
    if (plan.referrers_missing) out += "  put      what refers to the image\n";
    out += "  " + (plan.to_mount.empty() ? "" : std::to_string(plan.to_mount.size()) + " to mount, ") +
           std::to_string(plan.to_send.size()) + (file ? " to write, " : " to send, ") +
           human_size(plan.bytes) + " to read" +
           (file ? "" : ", about " + std::to_string(plan.requests) + " more requests") + "\n";
  }
  return out;
}

std::string plan_json(const std::vector<Plan>& plans) {
  std::string out;
  for (const Plan& plan : plans) {
    json entry{{"destination", plan.destination}, {"changes", plan.changes()}};
    if (plan.root) entry["digest"] = plan.root->digest.to_string();
    if (plan.repository_missing) entry["repository_missing"] = true;
    if (plan.referrers_missing) entry["referrers_missing"] = true;
    entry["present"] = json::array();
    for (const Descriptor& blob : plan.present) entry["present"].push_back(to_json(blob));
    entry["mount"] = json::array();
    for (const Plan::Blob& blob : plan.to_mount)
      entry["mount"].push_back({{"name", blob.name}, {"size", blob.size}});
    entry["send"] = json::array();
    for (const Plan::Blob& blob : plan.to_send)
      entry["send"].push_back({{"name", blob.name}, {"size", blob.size}, {"compress", blob.to_compress}});
    entry["tags"] = json::array();
    for (const Plan::Tag& tag : plan.tags) {
      json move{{"name", tag.name}};
      if (tag.from) move["from"] = tag.from->to_string();
      entry["tags"].push_back(move);
    }
    entry["bytes"] = plan.bytes;
    entry["requests"] = plan.requests;
    out += json_line(entry) + "\n";
  }
  return out;
}

}  // namespace davit::tool
