#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mirror/discovery.h"
#include "mirror/survey.h"
#include "model/patterns.h"

namespace davit::mirror {

/// Whether a name of an image is a digest, and not a tag.
inline bool is_digest(std::string_view name) {
  return name.find(':') != std::string_view::npos;
}

/// The exploration of one repository. Used once, by one thread. The flow is in exploration.cc, the questions
/// about one tag in ask.cc, what becomes of the answers in finds.cc, what unchanged indexes list in below.cc.
class Exploration {
 public:
  Exploration(const Route& route, Discovery& discovery);
  void run();

 private:
  /// One end to write to.
  struct Target {
    Reference place;
    std::shared_ptr<registry::Repository> repository;
    Survey survey;
    bool closed = false;  ///< nothing can be done there, and that has been told
  };
  /// A tag at one target.
  struct At {
    enum class State {
      closed,   ///< the target is
      settled,  ///< it stays, whatever it points at
      asked,
      failed,
    };
    State state = State::closed;
    std::optional<Digest> now;
    bool index = false;  ///< what is there now
    std::optional<Error> error;
  };
  /// A tag, or a digest, everywhere.
  struct Seen {
    std::string name;
    std::optional<Digest> part = {};  ///< the image whose part of the work it belongs to; empty: its own
    bool ours = false;                ///< of this part of the work, because what it belongs to is
    bool may_be_missing = false;      ///< at the source: then there is nothing to do
    bool left_out = false;            ///< of another part, too old, or missing where it may be
    std::optional<Error> error = {};  ///< of the source
    Descriptor root = {};             ///< the digest alone, unless `source` is set
    std::shared_ptr<ContentSource> source = {};             ///< set where something has to be copied
    std::optional<std::vector<Descriptor>> referrers = {};  ///< at the source, where somebody has asked
    std::vector<At> at = {};
  };

  Result<> open();
  Result<std::vector<Seen>> choose();
  [[nodiscard]] Result<> check_enough(std::size_t tags) const;
  Result<> claim(const std::vector<std::string>& chosen);
  void look_at_targets(std::size_t tags);
  void examine(std::vector<Seen> tags);
  void take(std::vector<Seen>& tags);
  void note_leftovers();

  void ask(Seen& seen);
  Result<> ask_source(Seen& seen);
  Result<std::optional<Digest>> at_source(const Seen& seen, std::optional<Manifest>& manifest);
  [[nodiscard]] Result<bool> too_old(const Seen& seen, ContentSource& source, const Manifest& manifest);

  void tell(const std::vector<Seen>& tags);
  std::vector<Find> finds(const std::vector<Seen>& tags);
  /// An image that some targets have as it is.
  struct Unchanged {
    Digest root;
    std::optional<std::vector<Descriptor>> referrers;  ///< as of Seen
    std::set<std::size_t> targets = {};
    bool index = false;
  };
  [[nodiscard]] std::vector<Unchanged> unchanged(const std::vector<Seen>& tags) const;
  /// What is missing of what refers to these, ready to be copied.
  std::vector<Find> late_referrers(std::vector<Unchanged> images);
  Result<> add_missing_referrers(Unchanged& image, std::vector<Find>& out);
  std::vector<Find> walked(std::vector<Find> finds);
  Result<> walk(Find& find);
  Result<> require_referrers(const Find& find);
  Result<> require_referrers(const Digest& root, std::span<const Descriptor> referrers);
  std::vector<Seen> companions(const std::vector<Seen>& tags, const std::vector<Find>& found);
  void add_companions(const Digest& subject, std::vector<Seen>& out);

  void examine_below();
  [[nodiscard]] std::set<Digest> subjects_left() const;
  std::vector<Unchanged> below(std::vector<Unchanged> indexes, const std::set<Digest>& wanted);

  /// What must be there has to be looked for.
  [[nodiscard]] bool with_referrers() const { return job_.referrers || !job_.require_referrers.empty(); }
  [[nodiscard]] std::vector<std::string> digest_tags_of(const Digest& root);
  [[nodiscard]] bool lacks(const Seen& seen, std::size_t target) const;
  [[nodiscard]] FoundPlace place_at(std::size_t target) const;
  [[nodiscard]] MirrorEntry entry(const std::string& tag, const Target* target) const;
  void fail(const std::string& tag, const Target* target, Error error);
  void fail(const Find& find, const Error& error);

  const Route& route_;
  const MirrorJob& job_;
  Discovery& all_;
  const CallContext& context_;
  model::Patterns immutable_;
  std::shared_ptr<registry::Repository> repository_;
  std::shared_ptr<const Survey> survey_;
  std::shared_ptr<ContentSource> source_;
  std::vector<Target> targets_;
  std::set<std::string> names_;  ///< all that have been examined, or are going to be
  std::map<Digest, std::vector<std::string>> digest_tags_;  ///< of the source's list, by what they belong to
  std::set<Digest> looked_;               ///< images whose digest tags and referrers have been looked for
  std::vector<Unchanged> indexes_;        ///< that have not changed
  std::atomic<std::size_t> too_old_ = 0;  ///< tags whose age only their images told
  bool by_list_ = false;                  ///< tags were chosen from the source's list
};

}  // namespace davit::mirror
