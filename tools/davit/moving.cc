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

int carry_out(const Movement& movement, const CopyOptions& given, const TransferFlags& flags,
              const Signals& signals) {
  if (!flags.dry_run) {
    if (auto fits = check_stdout(movement.arguments.destinations); !fits) return fail(fits.error());
  }
  if (!flags.dry_run && !flags.digest_file.empty()) {
    if (auto writable = check_digest_file(flags.digest_file); !writable) return fail(writable.error());
  }
  auto settings =
      flags.connection.client_options(flags.output.verbose, movement.arguments, movement.credentials);
  if (!settings) return fail(settings.error());
  Notes notes;
  CopyOptions options = given;
  options.stop = signals.stop();
  options.observer = &notes;
  Client client(*std::move(settings));
  if (flags.dry_run) {
    const auto plans = movement.plan(client, options);
    for (const std::string& text : notes.take()) say("note: " + text);
    if (!plans) return fail(plans.error());
    if (!print(flags.json ? plan_json(*plans) : plan_text(*plans, !flags.create_repo.empty()))) return kLocal;
    return flags.exit_code && std::ranges::any_of(*plans, &Plan::changes) ? kWouldChange : kOk;
  }

  ProgressLine line(flags.output.style(), movement.work);
  const auto show_notes = [&] {
    for (const std::string& text : notes.take()) line.note(text);
  };
  Transfer transfer = movement.start(client, options);
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
  if (!print_results(flags.json ? json_lines(*deliveries) : reference_lines(*deliveries),
                     movement.arguments.destinations))
    return kLocal;
  if (!flags.digest_file.empty()) {
    if (auto written = write_digest_file(flags.digest_file, *deliveries); !written)
      return fail(written.error());
  }
  return exit_code(*deliveries);
}

int move_images(Verb verb, const std::string& source, const std::vector<std::string>& destinations,
                const TransferFlags& flags, const Signals& signals) {
  const auto options = flags.options();
  if (!options) return fail(options.error());
  const Movement movement{
      .arguments = {.sources = {source},
                    .destinations = verb == Verb::push ? as_push_reads(destinations) : destinations},
      .credentials = scope_of(verb),
      .work = work_of(verb, destinations),
      .start = [&](Client& client,
                   const CopyOptions& how) { return start(client, verb, source, destinations, how); },
      .plan = [&](Client& client,
                  const CopyOptions& how) { return plan(client, verb, source, destinations, how); }};
  return carry_out(movement, *options, flags, signals);
}

}  // namespace davit::tool
