// Push, pull and copy: one engine, whatever the ends.

#include <davit/client.h>

#include "base/context.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "client/client_impl.h"
#include "client/transfer_state.h"
#include "registry/repository.h"
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
  return context_within(options.stop, options.timeout);
}

transfer::Settings settings_for(const Errand& errand, const ClientOptions& client) {
  const CopyOptions& options = errand.options;
  transfer::Settings settings{
      .verb = std::string(errand.doing.empty() ? client::to_string(errand.verb) : errand.doing),
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
  // The images of an index keep their formats: only what has none yet is written in that of the index.
  if (errand.index != nullptr) {
    settings.format = ManifestFormat::automatic;
    settings.convert = false;
  } else if (settings.format == ManifestFormat::automatic && writes_oci(errand.destinations, errand.verb)) {
    settings.format = ManifestFormat::oci;
    settings.convert = errand.image != nullptr && errand.image->made;
  }
  return settings;
}

namespace {

/// A registry may keep an image under another digest than its own. Then that is what it is called there,
/// unless its own digest was asked for.
void name_as_kept(Delivery& delivery, ContentSink& sink, bool own_digest_wanted, transfer::Board& board) {
  const auto* repository = dynamic_cast<const registry::Repository*>(&sink);
  if (repository == nullptr || !delivery.result) return;
  Digest& named = delivery.result->root.digest;
  const auto kept = repository->kept_as(named);
  if (!kept) return;
  const std::string what = delivery.destination +
                           ": the registry does not name the image by its own digest, " + named.to_string() +
                           ", but by " + kept->to_string();
  if (own_digest_wanted) {
    delivery.result = make_error(Errc::unsupported, what, "leave out the digest and --preserve-digests")
                          .on(Side::destination);
    return;
  }
  board.note(what);
  named = *kept;
}

}  // namespace

Result<std::vector<Delivery>> Client::Impl::deliver(const Errand& errand, transfer::Board& board) {
  const CallContext context = errand.context ? *errand.context : context_for(errand.options);
  DAVIT_TRY(auto work, orders(errand, board, context));
  struct End {
    std::shared_ptr<ContentSink> sink;  // co-owned with the order
    bool own_digest_wanted;
  };
  std::vector<End> ends;
  for (const transfer::Order& order : work) {
    for (const transfer::Destination& destination : order.destinations)
      ends.push_back({destination.sink, errand.options.preserve_digests || destination.expected.has_value()});
  }
  transfer::Run run(std::move(work), settings_for(errand, options), compressor, board, context);
  DAVIT_TRY(std::vector<Delivery> deliveries, run.deliver());
  for (std::size_t i = 0; i < deliveries.size() && i < ends.size(); ++i)
    name_as_kept(deliveries[i], *ends[i].sink, ends[i].own_digest_wanted, board);
  return deliveries;
}

Result<std::vector<Delivery>> Client::Impl::watched(const CopyOptions& how, const Work& work) {
  transfer::Board board(how.observer, notifier);
  return watched(how, work, board);
}

Result<std::vector<Delivery>> Client::Impl::watched(const CopyOptions& how, const Work& work,
                                                    transfer::Board& board) {
  auto result = work(*this, how, board);
  board.finished(result ? *result : std::vector<Delivery>());
  if (how.observer != nullptr) notifier.drain();
  return result;
}

Result<std::vector<Delivery>> Client::Impl::deliver(const Errand& errand) {
  return watched(errand.options, [&](Impl& impl, const CopyOptions&, transfer::Board& board) {
    return impl.deliver(errand, board);
  });
}

Result<std::vector<Plan>> Client::Impl::plan(const Errand& errand, transfer::Board& board) {
  const CallContext context = errand.context ? *errand.context : context_for(errand.options);
  DAVIT_TRY(auto work, orders(errand, board, context));
  transfer::Run run(std::move(work), settings_for(errand, options), compressor, board, context);
  return run.plan();
}

Result<std::vector<Plan>> Client::Impl::planned(const CopyOptions& how, const Planning& work) {
  transfer::Board board(how.observer, notifier);
  auto plans = work(board);
  if (how.observer != nullptr) notifier.drain();  // the observer may go when this returns
  return plans;
}

Result<std::vector<Plan>> Client::Impl::plan(const Errand& errand) {
  return planned(errand.options, [&](transfer::Board& board) { return plan(errand, board); });
}

Transfer Client::Impl::start(const std::shared_ptr<Impl>& impl, CopyOptions how, Work work) {
  Observer* observer = how.observer;
  std::stop_token caller = how.stop;
  auto all = [impl, how = std::move(how), work = std::move(work)](transfer::Board& board,
                                                                  std::stop_token stop) mutable {
    how.stop = std::move(stop);
    return impl->watched(how, work, board);
  };
  return Transfer(std::make_unique<Transfer::State>(std::move(all), observer, impl->notifier,
                                                    std::move(caller), impl->closing.get_token()));
}

namespace {

/// A transfer whose arguments it keeps.
Client::Impl::Work errand_of(Verb verb, std::string source, std::vector<std::string> destinations) {
  return [verb, source = std::move(source), destinations = std::move(destinations)](
             Client::Impl& impl, const CopyOptions& options, transfer::Board& board) {
    return impl.deliver({.verb = verb, .source = source, .destinations = destinations, .options = options},
                        board);
  };
}

}  // namespace

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
  return Impl::start(impl_, std::move(options),
                     errand_of(Verb::push, std::move(source), std::move(destinations)));
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
  return Impl::start(impl_, std::move(options),
                     errand_of(Verb::pull, std::move(reference), {std::move(output)}));
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
  return Impl::start(impl_, std::move(options),
                     errand_of(Verb::copy, std::move(source), std::move(destinations)));
}

Transfer Client::start_copy(OpenedImage image, std::vector<std::string> destinations, CopyOptions options) {
  return Impl::start(impl_, std::move(options),
                     [image = std::move(image), destinations = std::move(destinations)](
                         Impl& impl, const CopyOptions& how, transfer::Board& board) {
                       return impl.deliver({.verb = Verb::copy,
                                            .source = image.name,
                                            .destinations = destinations,
                                            .options = how,
                                            .image = &image},
                                           board);
                     });
}

Result<std::vector<Plan>> Client::plan_copy(const OpenedImage& image,
                                            std::span<const std::string> destinations,
                                            const CopyOptions& options) {
  return impl_->plan({.verb = Verb::copy,
                      .source = image.name,
                      .destinations = destinations,
                      .options = options,
                      .use = SinkUse::plan,
                      .image = &image});
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
