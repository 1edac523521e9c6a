#include "following.h"

#include <algorithm>
#include <chrono>

#include "digest_file.h"
#include "exit_code.h"
#include "report.h"
#include "ui/terminal_text.h"

namespace davit::tool {

Result<> Following::check() const {
  if (dry_run) return {};
  if (auto fits = check_stdout(destinations); !fits) return fits;
  return digest_file.empty() ? Result<>() : check_digest_file(digest_file);
}

int follow(Transfer transfer, Notes& notes, ProgressLine& line, const Following& how) {
  const auto show_notes = [&] {
    for (const std::string& text : notes.take()) line.note(text);
  };
  while (!transfer.wait_for(std::chrono::milliseconds(100))) {
    show_notes();
    line.update(transfer.progress());
  }
  const auto deliveries = transfer.result();
  show_notes();
  if (!deliveries) {
    line.failed(deliveries.error());
    // What is said in a wrong way was never a transfer.
    if (how.json && deliveries.error().code != Errc::invalid_argument &&
        !print_results(json_lines(how.destinations, deliveries.error()), how.destinations))
      return kLocal;
    return exit_code(deliveries.error().code);
  }
  line.update(transfer.progress());
  line.finish(*deliveries);
  const std::vector<Delivery> results = how.with_companions ? without_companions(*deliveries) : *deliveries;
  if (how.with_companions && how.verbose && !how.json) {
    const std::string lines = reference_lines(companions(*deliveries));
    if (!lines.empty()) say(lines.substr(0, lines.size() - 1));
  }
  if (!print_results(how.json ? json_lines(*deliveries) : reference_lines(results), how.destinations))
    return kLocal;
  if (!how.digest_file.empty()) {
    if (auto written = write_digest_file(how.digest_file, results); !written) return fail(written.error());
  }
  return exit_code(*deliveries);
}

int show(const Result<std::vector<Plan>>& plans, Notes& notes, const Following& how) {
  for (const std::string& text : notes.take()) say("note: " + text);
  if (!plans) return fail(plans.error());
  if (!print(how.json ? plan_json(*plans) : plan_text(*plans, how.creates))) return kLocal;
  return how.exit_code && std::ranges::any_of(*plans, &Plan::changes) ? kWouldChange : kOk;
}

}  // namespace davit::tool
