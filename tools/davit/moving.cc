#include "moving.h"

#include <algorithm>

#include "exit_code.h"
#include "following.h"

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
  const Following how{.destinations = movement.arguments.destinations,
                      .dry_run = flags.dry_run,
                      .exit_code = flags.exit_code,
                      .creates = !flags.create_repo.empty(),
                      .json = flags.json,
                      .with_companions = flags.digest_tags && !flags.all_tags,
                      .verbose = flags.output.verbose > 0,
                      .digest_file = flags.digest_file};
  if (auto fine = how.check(); !fine) return fail(fine.error());
  auto settings =
      flags.connection.client_options(flags.output.verbose, movement.arguments, movement.credentials);
  if (!settings) return fail(settings.error());
  Notes notes(flags.output.quiet);
  CopyOptions options = given;
  options.stop = signals.stop();
  options.observer = &notes;
  Client client(*std::move(settings));
  if (flags.dry_run) return show(movement.plan(client, options), notes, how);
  ProgressLine line(flags.output.style(), movement.work);
  return follow(movement.start(client, options), notes, line, how);
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
