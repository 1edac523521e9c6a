// Push, pull and copy: one engine, whatever the ends.

#include <davit/client.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "client/client_impl.h"
#include "client/transfer_state.h"
#include "transfer/run.h"

namespace davit {
namespace {

using client::SinkUse;
using client::Verb;

/// What a layout or an oci-archive holds are OCI documents, where davit writes them.
bool writes_oci(std::span<const std::string> destinations, Verb verb) {
  for (const std::string& destination : destinations) {
    const auto target = client::parse_target(destination, verb, "");
    if (!target) continue;
    const auto* file = std::get_if<client::FileTarget>(&*target);
    if (file != nullptr && file->kind != client::FileTarget::Kind::docker_archive) return true;
  }
  return false;
}

Result<Delivered> only(Result<std::vector<Delivery>> deliveries, std::string_view source) {
  if (!deliveries) return deliveries.error();
  if (deliveries->size() != 1) {
    return make_error(Errc::invalid_argument,
                      "\"" + escaped(source, 160) + "\" holds " + std::to_string(deliveries->size()) +
                          " images: ask for all deliveries, or choose one by its name");
  }
  return std::move(deliveries->front().result);
}

}  // namespace

CallContext context_for(const CopyOptions& options) {
  CallContext context{.stop = options.stop, .deadline = {}};
  if (options.timeout) context.deadline = std::chrono::steady_clock::now() + *options.timeout;
  return context;
}

transfer::Settings settings_for(const Errand& errand, const ClientOptions& client) {
  const CopyOptions& options = errand.options;
  transfer::Settings settings{.verb = std::string(client::to_string(errand.verb)),
                              .compression = options.compression,
                              .level = options.compression_level,
                              .format = options.format,
                              .convert = options.format != ManifestFormat::automatic,
                              .reuse = options.reuse,
                              .reuse_from = options.reuse_from,
                              .on_existing_tag = options.on_existing_tag,
                              .referrers = options.referrers,
                              .jobs = client.jobs};
  if (options.recompress)
    settings.recompress =
        options.reuse == Reuse::off ? transfer::Recompress::all : transfer::Recompress::other_forms;
  if (settings.format == ManifestFormat::automatic && writes_oci(errand.destinations, errand.verb))
    settings.format = ManifestFormat::oci;
  return settings;
}

Result<std::vector<Delivery>> Client::Impl::deliver(const Errand& errand, transfer::Board& board) {
  const CallContext context = context_for(errand.options);
  auto result = [&]() -> Result<std::vector<Delivery>> {
    DAVIT_TRY(auto work, orders(errand, board, context));
    transfer::Run run(std::move(work), settings_for(errand, options), compressor, board, context);
    return run.deliver();
  }();
  board.finished(result ? *result : std::vector<Delivery>());
  if (errand.options.observer != nullptr) notifier.drain();
  return result;
}

Result<std::vector<Delivery>> Client::Impl::deliver(const Errand& errand) {
  transfer::Board board(errand.options.observer, notifier);
  return deliver(errand, board);
}

Result<std::vector<Plan>> Client::Impl::plan(const Errand& errand) {
  transfer::Board board(errand.options.observer, notifier);
  const CallContext context = context_for(errand.options);
  auto plans = [&]() -> Result<std::vector<Plan>> {
    DAVIT_TRY(auto work, orders(errand, board, context));
    transfer::Run run(std::move(work), settings_for(errand, options), compressor, board, context);
    return run.plan();
  }();
  if (errand.options.observer != nullptr) notifier.drain();  // the observer may go when this returns
  return plans;
}

Transfer Client::Impl::start(const std::shared_ptr<Impl>& impl, Verb verb, std::string source,
                             std::vector<std::string> destinations, CopyOptions options) {
  Observer* observer = options.observer;
  std::stop_token caller = options.stop;
  auto work = [impl, verb, source = std::move(source), destinations = std::move(destinations),
               options = std::move(options)](transfer::Board& board, std::stop_token stop) mutable {
    options.stop = std::move(stop);
    return impl->deliver({.verb = verb, .source = source, .destinations = destinations, .options = options},
                         board);
  };
  return Transfer(std::make_unique<Transfer::State>(std::move(work), observer, impl->notifier,
                                                    std::move(caller), impl->closing.get_token()));
}

Result<Delivered> Client::push(std::string_view source, std::string_view destination,
                               const PushOptions& options) {
  const std::string destinations[] = {std::string(destination)};
  return only(push(source, destinations, options), source);
}

Result<std::vector<Delivery>> Client::push(std::string_view source, std::span<const std::string> destinations,
                                           const PushOptions& options) {
  return impl_->deliver(
      {.verb = Verb::push, .source = source, .destinations = destinations, .options = options});
}

Transfer Client::start_push(std::string source, std::vector<std::string> destinations, PushOptions options) {
  return Impl::start(impl_, Verb::push, std::move(source), std::move(destinations), std::move(options));
}

Result<std::vector<Plan>> Client::plan_push(std::string_view source,
                                            std::span<const std::string> destinations,
                                            const PushOptions& options) {
  return impl_->plan({.verb = Verb::push,
                      .source = source,
                      .destinations = destinations,
                      .options = options,
                      .use = SinkUse::plan});
}

Result<Delivered> Client::pull(std::string_view reference, std::string_view output,
                               const PullOptions& options) {
  const std::string destinations[] = {std::string(output)};
  return only(
      impl_->deliver(
          {.verb = Verb::pull, .source = reference, .destinations = destinations, .options = options}),
      reference);
}

Transfer Client::start_pull(std::string reference, std::string output, PullOptions options) {
  return Impl::start(impl_, Verb::pull, std::move(reference), {std::move(output)}, std::move(options));
}

Result<std::vector<Plan>> Client::plan_pull(std::string_view reference, std::string_view output,
                                            const PullOptions& options) {
  const std::string destinations[] = {std::string(output)};
  return impl_->plan({.verb = Verb::pull,
                      .source = reference,
                      .destinations = destinations,
                      .options = options,
                      .use = SinkUse::plan});
}

Result<Delivered> Client::copy(std::string_view source, std::string_view destination,
                               const CopyOptions& options) {
  const std::string destinations[] = {std::string(destination)};
  return only(copy(source, destinations, options), source);
}

Result<std::vector<Delivery>> Client::copy(std::string_view source, std::span<const std::string> destinations,
                                           const CopyOptions& options) {
  return impl_->deliver(
      {.verb = Verb::copy, .source = source, .destinations = destinations, .options = options});
}

Result<std::vector<Delivery>> Client::copy(std::shared_ptr<ContentSource> source, std::string_view name,
                                           std::span<const std::string> destinations,
                                           const CopyOptions& options) {
  return impl_->deliver({.verb = Verb::copy,
                         .source = name,
                         .destinations = destinations,
                         .options = options,
                         .own_source = std::move(source)});
}

Result<std::vector<Delivery>> Client::copy(const OpenedImage& image,
                                           std::span<const std::string> destinations,
                                           const CopyOptions& options) {
  return impl_->deliver({.verb = Verb::copy,
                         .source = image.name,
                         .destinations = destinations,
                         .options = options,
                         .image = &image});
}

Result<Delivered> Client::copy(std::string_view source, std::shared_ptr<ContentSink> destination,
                               std::vector<std::string> names, const CopyOptions& options) {
  return only(impl_->deliver({.verb = Verb::copy,
                              .source = source,
                              .destinations = {},
                              .options = options,
                              .own_sink = std::move(destination),
                              .own_names = std::move(names)}),
              source);
}

Transfer Client::start_copy(std::string source, std::vector<std::string> destinations, CopyOptions options) {
  return Impl::start(impl_, Verb::copy, std::move(source), std::move(destinations), std::move(options));
}

Result<std::vector<Plan>> Client::plan_copy(std::string_view source,
                                            std::span<const std::string> destinations,
                                            const CopyOptions& options) {
  return impl_->plan({.verb = Verb::copy,
                      .source = source,
                      .destinations = destinations,
                      .options = options,
                      .use = SinkUse::plan});
}

}  // namespace davit
