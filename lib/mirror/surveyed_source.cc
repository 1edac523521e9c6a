#include "mirror/surveyed_source.h"

#include <atomic>

#include "base/mutex.h"
#include "model/digest_tags.h"

namespace davit::mirror {
namespace {

class SurveyedSource final : public ContentSource, public ReferrerLister {
 public:
  SurveyedSource(std::shared_ptr<registry::Repository> repository, std::shared_ptr<const Survey> survey)
      : repository_(std::move(repository)), survey_(std::move(survey)) {}

  Result<Descriptor> resolve(std::string_view name, const CallContext& context) override {
    return repository_->resolve(name, context);
  }
  Result<Manifest> manifest(std::string_view name, const CallContext& context) override {
    return repository_->manifest(name, context);
  }
  [[nodiscard]] std::size_t manifest_batch() const override { return repository_->manifest_batch(); }
  Result<std::vector<std::optional<Manifest>>> manifests(std::span<const std::string> names,
                                                         const CallContext& context) override {
    return repository_->manifests(names, context);
  }
  Result<std::unique_ptr<ByteSource>> open(const Descriptor& blob, std::uint64_t offset,
                                           const CallContext& context) override {
    return repository_->open(blob, offset, context);
  }
  Result<std::uint64_t> blob_size(const Digest& blob, const CallContext& context) override {
    return repository_->blob_size(blob, context);
  }
  TagLister* tag_lister() override { return repository_->tag_lister(); }
  RangeReader* range_reader() override { return repository_->range_reader(); }
  ReferrerLister* referrer_lister() override { return this; }

  Result<std::vector<Descriptor>> referrers(const Digest& subject, const CallContext& context) override {
    if (survey_->complete && !survey_->referrers.contains(subject)) return std::vector<Descriptor>();
    if (shows_none(subject)) return std::vector<Descriptor>();
    if (!asked_) {
      // The first answer says whether there is an API: the others wait for it.
      MutexLock lock(first_);
      if (!asked_) {
        auto answer = repository_->referrers(subject, context);
        asked_ = true;
        return answer;
      }
    }
    if (shows_none(subject)) return std::vector<Descriptor>();
    return repository_->referrers(subject, context);
  }

 private:
  /// Without an API the list is under a tag, and all tags are known.
  [[nodiscard]] bool shows_none(const Digest& subject) const {
    return survey_->listed && repository_->registry().lists_referrers_by_tag() &&
           !survey_->tags.contains(model::referrers_tag(subject));
  }

  std::shared_ptr<registry::Repository> repository_;
  std::shared_ptr<const Survey> survey_;
  Mutex first_;
  std::atomic<bool> asked_ = false;
};

}  // namespace

std::shared_ptr<ContentSource> surveyed(std::shared_ptr<registry::Repository> repository,
                                        std::shared_ptr<const Survey> survey) {
  return std::make_shared<SurveyedSource>(std::move(repository), std::move(survey));
}

}  // namespace davit::mirror
