// Constraints of a plan: `where tensor.rows * tensor.cols <= 1024 and platform == "accel"`.
//
// or, and, not; == != < <= > >=; + - * / %; parentheses; numbers, with KiB or MiB; names of
// parameters; their values as text in quotes. `and` and `or` look at their right side only where it
// counts, so that a constraint can ask for the platform before it names a parameter of its own.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nibble::study {

class Expression {
 public:
  // `where` is the place of the line ("plan.cfg:7: "), `names` are those that may stand in it.
  // Throws platforms::ParameterError that names place, column and token.
  Expression(const std::string& text, std::string where, const std::vector<std::string>& names);
  ~Expression();
  Expression(Expression&& other) noexcept;
  Expression& operator=(Expression&& other) noexcept;

  // The value of a parameter as text, nothing where a platform lacks it.
  using Lookup = std::function<std::optional<std::string>(const std::string& name)>;
  // Throws platforms::ParameterError for a name without a value, text where a number is needed,
  // numbers where a truth is, and division by zero.
  bool Holds(const Lookup& lookup) const;

  struct Node;

 private:
  std::string text_, where_;
  std::unique_ptr<Node> root_;
};

}  // namespace nibble::study
