#include "mirror_report.h"

#include <cstdio>

#include <nlohmann/json.hpp>

#include "error_json.h"
#include "ui/json_text.h"
#include "units.h"

namespace davit::tool {
namespace {

using What = MirrorEntry::What;
using Json = nlohmann::ordered_json;

const char* word_of(What what, bool dry_run) {
  switch (what) {
    case What::copied:
      return dry_run ? "would-copy" : "copied";
    case What::unchanged:
      return "unchanged";
    case What::deleted:
      return dry_run ? "would-delete" : "deleted";
    case What::failed:
      return "failed";
  }
  return "failed";
}

std::string seconds(std::chrono::milliseconds time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", static_cast<double>(time.count()) / 1000);
  return text;
}

std::string count(std::uint64_t number, const std::string& thing) {
  return std::to_string(number) + " " + thing + (number == 1 ? "" : thing.ends_with('y') ? "" : "s");
}

}  // namespace

std::string name_of(const MirrorEntry& entry) {
  const std::string& place = entry.target.empty() ? entry.source : entry.target;
  if (entry.tag.empty()) return place;
  return place + (entry.tag.find(':') == std::string::npos ? ":" : "@") + entry.tag;
}

std::string entry_line(const MirrorEntry& entry, bool dry_run) {
  if (entry.what != What::copied && entry.what != What::deleted) return {};
  std::string line;
  if (dry_run) line = entry.what == What::copied ? "would copy " : "would delete ";
  if (!dry_run && entry.what == What::deleted) line = "deleted ";
  line += name_of(entry);
  if (entry.root && entry.tag.find(':') == std::string::npos) line += "@" + entry.root->digest.to_string();
  if (dry_run && entry.what == What::copied && entry.replaced)
    line += " (now " + entry.replaced->short_form() + ")";
  return line;
}

std::string repository_line(const MirrorEntry& entry) {
  if (entry.repository == MirrorEntry::Repository::there) return {};
  if (entry.repository == MirrorEntry::Repository::made) return "would create the repository " + entry.target;
  return "missing the repository " + entry.target + "; --create-repo makes it";
}

std::string entry_json(const MirrorEntry& entry, bool dry_run) {
  Json out{{"result", word_of(entry.what, dry_run)}};
  if (!entry.job.empty()) out["job"] = entry.job;
  out["source"] = entry.source;
  if (!entry.target.empty()) out["target"] = entry.target;
  if (!entry.tag.empty()) out["tag"] = entry.tag;
  if (entry.root) out["digest"] = entry.root->digest.to_string();
  if (entry.repository != MirrorEntry::Repository::there) out["repository_missing"] = true;
  if (entry.repository == MirrorEntry::Repository::made) out["repository_created"] = true;
  if (entry.replaced) out["replaced"] = entry.replaced->to_string();
  if (entry.what == What::copied) {
    out["bytes"] = entry.blobs.bytes_sent;
    out["blobs"] = {
        {"sent", entry.blobs.sent}, {"mounted", entry.blobs.mounted}, {"present", entry.blobs.present}};
    if (!dry_run) out["seconds"] = static_cast<double>(entry.took.count()) / 1000;
  }
  if (entry.error) out["error"] = to_json(*entry.error);
  return json_line(out);
}

std::string summary_line(const MirrorTotals& totals, bool dry_run) {
  const std::string repositories =
      std::to_string(totals.repositories) + (totals.repositories == 1 ? " repository" : " repositories");
  if (dry_run)
    return repositories + ": " + count(totals.copied, "tag") + " to copy, " +
           std::to_string(totals.unchanged) + " unchanged, " + std::to_string(totals.deleted) +
           " to delete, " + std::to_string(totals.failed) + " failed; " + human_size(totals.bytes_read) +
           " to read, " + human_size(totals.bytes_sent) + " to send, about " +
           count(totals.requests, "request");
  return repositories + ": " + count(totals.copied, "tag") + " copied, " + std::to_string(totals.unchanged) +
         " unchanged, " + std::to_string(totals.deleted) + " deleted, " + std::to_string(totals.failed) +
         " failed; " + human_size(totals.bytes_read) + " read, " + human_size(totals.bytes_sent) + " sent, " +
         count(totals.blobs_mounted, "blob") + " mounted, " + count(totals.requests, "request") + " in " +
         seconds(totals.took) + " s";
}

std::string summary_json(const MirrorTotals& totals, bool dry_run) {
  const Json sums{{"repositories", totals.repositories},
                  {dry_run ? "wouldCopy" : "copied", totals.copied},
                  {"unchanged", totals.unchanged},
                  {dry_run ? "wouldDelete" : "deleted", totals.deleted},
                  {"failed", totals.failed},
                  {"blobsSent", totals.blobs_sent},
                  {"blobsMounted", totals.blobs_mounted},
                  {"bytesRead", totals.bytes_read},
                  {"bytesSent", totals.bytes_sent},
                  {"requests", totals.requests},
                  {"seconds", static_cast<double>(totals.took.count()) / 1000}};
  return json_line(Json{{"summary", sums}});
}

}  // namespace davit::tool
