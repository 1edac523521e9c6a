#include "ui/progress_line.h"

#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "error_json.h"
#include "report.h"
#include "ui/json_text.h"
#include "ui/terminal_text.h"
#include "units.h"

namespace davit::tool {
namespace {

using json = nlohmann::ordered_json;
using namespace std::chrono_literals;

constexpr auto kPlainInterval = 10s;
constexpr auto kBarInterval = 100ms;
constexpr auto kRateWindow = 5s;
constexpr std::size_t kMostBars = 8;

std::string count(std::uint64_t number, const char* noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

std::string seconds(std::chrono::steady_clock::duration time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", std::chrono::duration<double>(time).count());
  return text;
}

std::string bar(double share, std::size_t width) {
  const auto full = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(width));
  return "[" + std::string(full, '#') + std::string(width - full, ' ') + "]";
}

double share_of(std::uint64_t done, std::uint64_t total) {
  return total == 0 ? 1.0 : static_cast<double>(done) / static_cast<double>(total);
}

}  // namespace

ProgressLine::ProgressLine(ProgressStyle style, std::string what) : style_(style), what_(std::move(what)) {}
ProgressLine::~ProgressLine() {
  erase();
}

void ProgressLine::update(const Progress& progress) {
  if (style_ == ProgressStyle::none || !progress.planned) return;
  announce(progress);
  const Time now = std::chrono::steady_clock::now();
  samples_.emplace_back(now, progress.bytes_done);
  while (samples_.size() > 2 && now - samples_.front().first > kRateWindow) samples_.pop_front();
  if (style_ == ProgressStyle::bar && (drawn_lines_ == 0 || now - last_ >= kBarInterval)) {
    last_ = now;
    draw(progress);
  } else if (style_ != ProgressStyle::bar && now - last_ >= kPlainInterval) {
    last_ = now;
    if (style_ == ProgressStyle::plain) {
      say(human_size(progress.bytes_done) + " of " + human_size(progress.bytes_total) + ", " +
          std::to_string(progress.blobs_done) + " of " + count(progress.blobs_total, "blob") +
          rate(progress));
    } else {
      say(json_line(json{{"event", "progress"},
                         {"bytes", progress.bytes_done},
                         {"bytesTotal", progress.bytes_total},
                         {"blobs", progress.blobs_done},
                         {"blobsTotal", progress.blobs_total}}));
    }
  }
}

void ProgressLine::announce(const Progress& progress) {
  if (announced_) return;
  announced_ = true;
  if (style_ == ProgressStyle::json) {
    say(json_line(json{{"event", "planned"},
                       {"present", progress.blobs_present},
                       {"blobs", progress.blobs_total},
                       {"bytes", progress.bytes_total}}));
  } else if (progress.blobs_present + progress.blobs_total > 0) {  // else nothing had to be looked at
    say(count(progress.blobs_present + progress.blobs_total, "blob") + "; " +
        std::to_string(progress.blobs_present) + " present, " + std::to_string(progress.blobs_total) +
        " to " + what_ + ", " + human_size(progress.bytes_total) + " to read");
  }
}

void ProgressLine::note(const std::string& text) {
  if (style_ == ProgressStyle::json) {
    say(json_line(json{{"event", "note"}, {"text", text}}));
    return;
  }
  erase();
  say("note: " + text);
}

void ProgressLine::finish(const std::vector<Delivery>& deliveries) {
  erase();
  const auto time = std::chrono::steady_clock::now() - begun_;
  for (const Delivery& delivery : deliveries) {
    if (!delivery.result) {
      failed(delivery.result.error(), delivery.destination);
      continue;
    }
    if (style_ == ProgressStyle::none) continue;
    const Delivered& done = *delivery.result;
    if (style_ == ProgressStyle::json) {
      say(json_line(json{{"event", "delivered"},
                         {"destination", done.destination},
                         {"digest", done.root.digest.to_string()},
                         {"unchanged", done.unchanged},
                         {"sent", done.blobs.sent},
                         {"bytesSent", done.blobs.bytes_sent},
                         {"seconds", std::chrono::duration<double>(time).count()}}));
      continue;
    }
    if (done.unchanged) {
      say(done.destination + ": nothing to do, the image is there");
      continue;
    }
    say(done.destination + (is_file(done.destination) ? ": wrote " : ": sent ") +
        count(done.blobs.sent, "blob") + ", " + human_size(done.blobs.bytes_sent) + "; " +
        std::to_string(done.blobs.present) + " present, " + std::to_string(done.blobs.reused) + " reused" +
        (done.blobs.mounted == 0 ? "" : ", " + std::to_string(done.blobs.mounted) + " mounted") + "; " +
        seconds(time));
  }
}

void ProgressLine::failed(const Error& error, const std::string& destination) {
  if (style_ == ProgressStyle::json) {
    json event{{"event", "failed"}};
    if (!destination.empty()) event["destination"] = destination;
    event["error"] = to_json(error);
    say(json_line(event));
    return;
  }
  erase();
  complain(error.to_string(), error.hint);
}

std::string ProgressLine::rate(const Progress& progress) {
  if (samples_.size() < 2) return {};
  const double span = std::chrono::duration<double>(samples_.back().first - samples_.front().first).count();
  const auto moved = static_cast<double>(samples_.back().second - samples_.front().second);
  if (span <= 0 || moved <= 0) return {};
  const double speed = moved / span;
  const auto left = static_cast<std::uint64_t>(
      static_cast<double>(progress.bytes_total - std::min(progress.bytes_done, progress.bytes_total)) /
      speed);
  return ", " + human_size(static_cast<std::uint64_t>(speed)) + "/s, " + std::to_string(left / 60) + ":" +
         (left % 60 < 10 ? "0" : "") + std::to_string(left % 60) + " left";
}

void ProgressLine::draw(const Progress& progress) {
  const std::size_t width = terminal_width();
  std::vector<std::string> lines;
  for (const Progress::Blob& blob : progress.active) {
    if (lines.size() == kMostBars) break;
    lines.push_back("  " + bar(share_of(blob.done, blob.total), 20) + " " + blob.name + " " +
                    human_size(blob.done) + " of " + human_size(blob.total));
  }
  lines.push_back(bar(share_of(progress.bytes_done, progress.bytes_total), 22) + " " +
                  human_size(progress.bytes_done) + " of " + human_size(progress.bytes_total) +
                  rate(progress));
  std::string text;
  if (drawn_lines_ > 0) text += "\x1b[" + std::to_string(drawn_lines_) + "A";
  text += "\r\x1b[J";
  for (const std::string& line : lines) text += line.substr(0, width - 1) + "\n";
  drawn_lines_ = lines.size();
  text.pop_back();
  say(text);
}

void ProgressLine::erase() {
  if (drawn_lines_ == 0) return;
  std::fprintf(stderr, "\x1b[%zuA\r\x1b[J", drawn_lines_);
  std::fflush(stderr);
  drawn_lines_ = 0;
}

}  // namespace davit::tool
