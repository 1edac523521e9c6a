#pragma once

#include <string>
#include <vector>

#include "config/yaml_fields.h"

namespace davit::config {

/// What another tool's file asks for and is done differently here, or not at all. Each thing is noted once,
/// at the place where it stands first.
class ForeignNotes {
 public:
  explicit ForeignNotes(std::vector<std::string>& lines) : lines_(lines) {}

  void add(const YAML::Node& node, const Place& place, const std::string& text);
  /// Takes any value, and notes that it is passed over unless it is empty or false.
  Setter passed_over(const std::string& why);
  /// Takes any value: there is nothing to say about it.
  static Setter of_no_matter();
  /// Refuses everything but the default value.
  static Setter refused(const std::string& why, const std::string& unless = {});

 private:
  std::vector<std::string>& lines_;
  std::vector<std::string> known_;
};

/// A truth as Go's YAML libraries take it: also yes and no, on and off, y and n.
Setter loose_truth(bool& into);

}  // namespace davit::config
