#pragma once

#include <davit/client.h>

#include "base/notifier.h"
#include "client/file_sinks.h"
#include "client/location.h"
#include "client/registries.h"
#include "client/target.h"
#include "codec/compress.h"
#include "content/joined.h"
#include "mirror/delivery.h"
#include "transfer/order.h"
#include "transfer/progress.h"
#include "transfer/settings.h"

namespace davit {

/// What an index is made of, besides its document.
struct IndexWork {
  std::shared_ptr<content::JoinedSource> joined;  ///< co-owned by the orders
  std::vector<Descriptor> entries;                ///< what it lists
  std::set<Digest> made;                          ///< as transfer::Order has it
  /// Manifests that are in a registry already: which repository has them.
  std::map<Digest, Reference> places;
};

/// What a caller asks for, in words.
struct Errand {
  client::Verb verb;
  std::string_view source;
  std::span<const std::string> destinations;
  const CopyOptions& options;
  client::SinkUse use = client::SinkUse::write;
  std::shared_ptr<ContentSource> own_source = {};  ///< set: `source` is a name in this store
  const OpenedImage* image = nullptr;              ///< set: the source, opened already
  const IndexWork* index = nullptr;                ///< set: `image` is an index over several sources
  std::string_view doing = {};                     ///< set: what the command does, instead of the verb
  std::optional<CallContext> context = {};         ///< set: of the call that this is a part of
  std::shared_ptr<ContentSink> own_sink = {};      ///< set: the only destination
  std::vector<std::string> own_names = {};         ///< what the image is called there
};

/// The parts of a client, wired. Destroyed in the opposite order: connections and threads before what they
/// report to.
class Client::Impl {
 public:
  explicit Impl(ClientOptions given);

  /// Something of this client's in the background. `work` gets the options with the token that stops it.
  using Work = std::function<Result<std::vector<Delivery>>(Impl&, const CopyOptions&, transfer::Board&)>;

  /// What a source argument means. An `ecr:` reference is written out on the way. Errors: invalid_argument.
  Result<client::Source> source_of(std::string& written, const CallContext& context);
  Result<OpenedImage> open(std::string_view source, const OpenOptions& how, const CallContext& context);
  /// Everything an errand has to do, or the reason why it cannot begin.
  Result<std::vector<transfer::Order>> orders(const Errand& errand, transfer::Board& board,
                                              const CallContext& context);
  Result<std::vector<Delivery>> deliver(const Errand& errand, transfer::Board& board);
  Result<std::vector<Plan>> plan(const Errand& errand, transfer::Board& board);
  /// Runs `work`, with a board of its own or this one, and tells the observer the end.
  Result<std::vector<Delivery>> watched(const CopyOptions& how, const Work& work);
  Result<std::vector<Delivery>> watched(const CopyOptions& how, const Work& work, transfer::Board& board);
  Result<MirrorTotals> mirror(Client& client, std::span<const MirrorJob> jobs, const MirrorOptions& how,
                              mirror::Delivering::Mode mode);
  using Planning = std::function<Result<std::vector<Plan>>(transfer::Board&)>;
  Result<std::vector<Plan>> planned(const CopyOptions& how, const Planning& work);
  Result<std::vector<Delivery>> deliver(const Errand& errand);
  Result<std::vector<Plan>> plan(const Errand& errand);
  /// The same in the background.
  static Transfer start(const std::shared_ptr<Impl>& impl, CopyOptions how, Work work);

  const ClientOptions options;
  std::stop_source closing;  ///< the client's destructor says so to what runs in the background
  Notifier notifier;
  Log log;
  std::unique_ptr<net::Transport> transport;
  client::Registries registries;
  codec::Compressor compressor;
};

/// What an errand is in terms of the engine.
transfer::Settings settings_for(const Errand& errand, const ClientOptions& client);
CallContext context_for(const CopyOptions& options);

}  // namespace davit
