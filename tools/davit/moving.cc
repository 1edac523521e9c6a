#include "moving.h"

#include <algorithm>
#include <chrono>

#include "digest_file.h"
#include "exit_code.h"
#include "notes.h"
#include "report.h"
#include "ui/progress_line.h"
#include "ui/terminal_text.h"

namespace davit::tool {
namespace {

Result<std::vector<Plan>> plan(Client& client, Verb verb, const std::string& source,
                               const std::vector<std::string>& destinations, const CopyOptions& options) {
  if (verb == Verb::push) return client.plan_push(source, destinations, options);
  if (verb == Verb::pull) return client.plan_pull(source, destinations.front(), options);
  return client.plan_copy(source, destinations, options);
}

Transfer start(Client& client, Verb verb, const std::string& source,
               const std::vector<std::string>& destinations, const CopyOptions& options) {
  if (verb == Verb::push) return client.start_push(source, destinations, options);
  if (verb == Verb::pull) return client.start_pull(source, destinations.front(), options);
  return client.start_copy(source, destinations, options);
}

CredentialScope scope_of(Verb verb) {
  if (verb == Verb::push) return CredentialScope::destinations;
  return verb == Verb::pull ? CredentialScope::sources : CredentialScope::both;
}

/// A push goes to registries alone, so a folder of that name does not matter.
std::vector<std::string> as_push_reads(std::vector<std::string> destinations) {
  std::ranges::transform(destinations, destinations.begin(), as_image);
  return destinations;
}

/// What is done with the blobs, in the words of the progress.
std::string work_of(Verb verb, const std::vector<std::string>& destinations) {
  if (verb == Verb::pull) return "fetch";
  const bool files = verb == Verb::copy && std::ranges::all_of(destinations, [](const std::string& each) {
                       return !each.starts_with("ecr:") && registry_of(each, Side::destination).empty();
                     });
  return files ? "write" : "send";
}

}  // namespace

int move_images(Verb verb, const std::string& source, const std::vector<std::string>& destinations,
                const TransferFlags& flags, const Signals& signals) {
  auto options = flags.options();
  if (!options) return fail(options.error());
  if (!flags.dry_run) {
    if (auto fits = check_stdout(destinations); !fits) return fail(fits.error());
  }
  if (!flags.dry_run && !flags.digest_file.empty()) {
    if (auto writable = check_digest_file(flags.digest_file); !writable) return fail(writable.error());
  }
  auto settings = flags.connection.client_options(
      flags.output.verbose,
      {.sources = {source}, .destinations = verb == Verb::push ? as_push_reads(destinations) : destinations},
      scope_of(verb));
  if (!settings) return fail(settings.error());
  options->stop = signals.stop();
  Notes notes;
  options->observer = &notes;
  Client client(*std::move(settings));
  if (flags.dry_run) {
    const auto plans = plan(client, verb, source, destinations, *options);
    for (const std::string& text : notes.take()) say("note: " + text);
    if (!plans) return fail(plans.error());
    if (!print(flags.json ? plan_json(*plans) : plan_text(*plans, !flags.create_repo.empty()))) return kLocal;
    return flags.exit_code && std::ranges::any_of(*plans, &Plan::changes) ? kWouldChange : kOk;
  }

  ProgressLine line(flags.output.style(), work_of(verb, destinations));
  const auto show_notes = [&] {
    for (const std::string& text : notes.take()) line.note(text);
  };
  Transfer transfer = start(client, verb, source, destinations, *options);
  while (!transfer.wait_for(std::chrono::milliseconds(100))) {
    show_notes();
    line.update(transfer.progress());
  }
  const auto deliveries = transfer.result();
  show_notes();
  if (!deliveries) return fail(deliveries.error());
  line.update(transfer.progress());
  line.finish(transfer.progress(), *deliveries);
  complain_about(*deliveries);
  if (!print_results(flags.json ? json_lines(*deliveries) : reference_lines(*deliveries), destinations))
    return kLocal;
  if (!flags.digest_file.empty()) {
    if (auto written = write_digest_file(flags.digest_file, *deliveries); !written)
      return fail(written.error());
  }
  return exit_code(*deliveries);
}

}  // namespace davit::tool
