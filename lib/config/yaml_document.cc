#include "config/yaml_document.h"

#include <map>
#include <sstream>
#include <vector>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::config {
namespace {

/// Hears of a document and keeps nothing but its measures, so that a bomb is known before it is built.
class Gauge final : public YAML::EventHandler {
 public:
  explicit Gauge(const DocumentLimits& limits) : limits_(limits) {}

  void OnDocumentStart(const YAML::Mark& mark) override { begin = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { leaf(mark, anchor); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                const std::string&) override {
    leaf(mark, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = sizes_.find(anchor);
    if (known == sizes_.end()) throw YAML::ParserException(mark, "an alias within what it stands for");
    count(mark, known->second);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, anchor);
  }
  void OnMapEnd() override { close(); }

  YAML::Mark begin;  ///< of the document

 private:
  struct Open {
    YAML::anchor_t anchor;
    std::size_t before;  // values in front of it
  };

  void count(const YAML::Mark& mark, std::size_t values) {
    values_ += values;  // both are at most the limit
    if (values_ > limits_.values)
      throw YAML::ParserException(mark, "more than " + std::to_string(limits_.values) + " values");
  }
  void leaf(const YAML::Mark& mark, YAML::anchor_t anchor) {
    count(mark, 1);
    if (anchor != 0) sizes_[anchor] = 1;
  }
  void open(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (open_.size() >= limits_.depth)
      throw YAML::ParserException(mark, "nested more than " + std::to_string(limits_.depth) + " deep");
    open_.push_back({anchor, values_});
    count(mark, 1);
  }
  void close() {
    const Open closed = open_.back();
    open_.pop_back();
    if (closed.anchor != 0) sizes_[closed.anchor] = values_ - closed.before;
  }

  const DocumentLimits limits_;
  std::size_t values_ = 0;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, std::size_t> sizes_;  // of what has ended
};

/// Throws for more than one document. YAML::LoadAll() never comes back from some texts that are no YAML.
void measure(const std::string& text, const DocumentLimits& limits) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  Gauge gauge(limits);
  if (parser.HandleNextDocument(gauge) && parser.HandleNextDocument(gauge))
    throw YAML::RepresentationException(gauge.begin, "more than one YAML document");
}

}  // namespace

Result<> read_document(
    std::string_view text, const std::string& name, const DocumentLimits& limits,
    const std::function<Result<>(const YAML::Node& root, const std::string& file)>& reader) {
  const std::string file = escaped(name, 300);
  if (text.size() > limits.bytes)
    return make_error(Errc::invalid_argument,
                      file + ": more than " + std::to_string(limits.bytes) + " bytes");
  const auto at = [&](const YAML::Mark& mark) {
    return file + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1) + ": ";
  };
  try {
    const std::string whole(text);
    measure(whole, limits);
    return reader(YAML::Load(whole), file);
  } catch (const YAML::ParserException& problem) {
    return make_error(Errc::invalid_argument, at(problem.mark) + "not YAML: " + escaped(problem.msg, 120));
  } catch (const YAML::Exception& problem) {
    if (!problem.mark.is_null())
      return make_error(Errc::invalid_argument, at(problem.mark) + escaped(problem.msg, 120));
    return make_error(Errc::invalid_argument, file + ": " + escaped(problem.msg, 120));
  }
}

}  // namespace davit::config
