#include "sw/study/expression.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <utility>
#include <variant>

#include "platforms/design_point.h"
#include "platforms/params/value.h"

namespace nibble::study {

using platforms::ParameterError;

struct Expression::Node {
  std::string op;     // "number", "text", "name", "not", "-1" (negation), or a binary operator
  size_t column = 0;  // of its token, from 0
  double number = 0;
  std::string text;
  std::unique_ptr<Node> left, right;
};

namespace {

using Node = Expression::Node;
using NodePtr = std::unique_ptr<Node>;
using Value = std::variant<bool, double, std::string>;

// A constraint nested deeper than this is no constraint that somebody wrote.
constexpr int kMaxDepth = 100;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsName(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || IsDigit(c) || c == '_' || c == '.';
}

// "512", "0.5", "192KiB" in full, or nothing.
std::optional<double> ParseNumber(const std::string& text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || !std::isfinite(number)) return std::nullopt;
  const std::string unit = platforms::Trim(std::string(rest, end));
  if (unit.empty() || unit == "B") return number;
  if (unit == "KiB") return number * 1024;
  if (unit == "MiB") return number * 1024 * 1024;
  return std::nullopt;
}

struct Token {
  enum class Kind { kNumber, kText, kName, kOperator, kEnd } kind = Kind::kEnd;
  std::string text;
  size_t column = 0;
};

class Parser {
 public:
  Parser(const std::string& text, const std::string& where, const std::vector<std::string>& names)
      : text_(text), where_(where), names_(names) {
    Next();
  }

  NodePtr Parse() {
    NodePtr root = Or();
    if (token_.kind != Token::Kind::kEnd) Fail("expected an operator or the end");
    return root;
  }

 private:
  [[noreturn]] void Fail(const std::string& what) const {
    const std::string found =
        token_.kind == Token::Kind::kEnd ? "the end of the line" : "\"" + token_.text + "\"";
    throw ParameterError(fmt::format("{}where {}: column {}, {}: {}", where_, text_,
                                     token_.column + 1, found, what));
  }

  void Next() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    token_ = {Token::Kind::kEnd, "", at_};
    if (at_ == text_.size()) return;
    const char c = text_[at_];
    size_t end = at_ + 1;
    if (c == '"' || c == '\'') {
      end = text_.find(c, at_ + 1);
      token_.text = text_.substr(at_);
      if (end == std::string::npos) Fail("the quote does not end");
      token_ = {Token::Kind::kText, text_.substr(at_ + 1, end - at_ - 1), at_};
      at_ = end + 1;
      return;
    }
    if (IsName(c)) {
      while (end < text_.size() && IsName(text_[end])) ++end;
      token_.kind = IsDigit(c) || c == '.' ? Token::Kind::kNumber : Token::Kind::kName;
    } else {
      const char after = end < text_.size() ? text_[end] : ' ';
      if (after == '=' && (c == '=' || c == '!' || c == '<' || c == '>')) ++end;
      token_.kind = Token::Kind::kOperator;
    }
    token_.text = text_.substr(at_, end - at_);
    if (token_.kind == Token::Kind::kName && IsWord()) token_.kind = Token::Kind::kOperator;
    at_ = end;
  }

  bool IsWord() const {
    return token_.text == "and" || token_.text == "or" || token_.text == "not";
  }

  bool Is(const std::string& op) const {
    return token_.kind == Token::Kind::kOperator && token_.text == op;
  }

  // A left-associative row of the operators `ops` between operands that `operand` parses.
  NodePtr Row(std::initializer_list<const char*> ops, NodePtr (Parser::*operand)()) {
    NodePtr left = (this->*operand)();
    for (;;) {
      const char* found = nullptr;
      for (const char* op : ops) found = Is(op) ? op : found;
      if (found == nullptr) return left;
      auto node = std::make_unique<Node>();
      node->op = found;
      node->column = token_.column;
      Next();
      node->left = std::move(left);
      node->right = (this->*operand)();
      left = std::move(node);
    }
  }

  NodePtr Or() { return Row({"or"}, &Parser::And); }
  NodePtr And() { return Row({"and"}, &Parser::Not); }

  NodePtr Not() {
    if (!Is("not")) return Comparison();
    return Unary("not", &Parser::Not);
  }

  NodePtr Comparison() {
    NodePtr left = Row({"+", "-"}, &Parser::Product);
    for (const char* op : {"==", "!=", "<=", ">=", "<", ">"}) {
      if (!Is(op)) continue;
      auto node = std::make_unique<Node>();
      node->op = op;
      node->column = token_.column;
      Next();
      node->left = std::move(left);
      node->right = Row({"+", "-"}, &Parser::Product);
      return node;
    }
    if (Is("=")) Fail("equality is written ==");
    return left;
  }

  NodePtr Product() { return Row({"*", "/", "%"}, &Parser::Operand); }

  NodePtr Unary(const char* op, NodePtr (Parser::*operand)()) {
    if (++depth_ > kMaxDepth) Fail("nested too deep");
    auto node = std::make_unique<Node>();
    node->op = op;
    node->column = token_.column;
    Next();
    node->left = (this->*operand)();
    --depth_;
    return node;
  }

  NodePtr Operand() {
    if (Is("-")) return Unary("-1", &Parser::Operand);
    if (Is("(")) {
      if (++depth_ > kMaxDepth) Fail("nested too deep");
      Next();
      NodePtr inner = Or();
      if (!Is(")")) Fail("expected \")\"");
      Next();
      --depth_;
      return inner;
    }
    auto node = std::make_unique<Node>();
    node->column = token_.column;
    node->text = token_.text;
    switch (token_.kind) {
      case Token::Kind::kNumber: {
        const std::optional<double> number = ParseNumber(token_.text);
        if (!number) Fail("not a number; units are B, KiB and MiB");
        node->op = "number";
        node->number = *number;
        break;
      }
      case Token::Kind::kText:
        node->op = "text";
        break;
      case Token::Kind::kName:
        CheckName();
        node->op = "name";
        break;
      default:
        Fail("expected a number, a parameter, text in quotes or \"(\"");
    }
    Next();
    return node;
  }

  void CheckName() const {
    for (const std::string& name : names_) {
      if (name == token_.text) return;
    }
    const std::string nearest = platforms::Nearest(token_.text, names_);
    Fail("unknown parameter" + (nearest.empty() ? "" : "; did you mean " + nearest + "?") +
         " (values that are names stand in quotes)");
  }

  const std::string& text_;
  const std::string& where_;
  const std::vector<std::string>& names_;
  size_t at_ = 0;
  int depth_ = 0;
  Token token_;
};

class Evaluator {
 public:
  Evaluator(const std::string& text, const std::string& where, const Expression::Lookup& lookup)
      : text_(text), where_(where), lookup_(lookup) {}

  bool Truth(const Node& node) const {
    const Value value = Evaluate(node);
    if (const bool* truth = std::get_if<bool>(&value)) return *truth;
    Fail(node, "is no condition");
  }

 private:
  [[noreturn]] void Fail(const Node& node, const std::string& what) const {
    const std::string token = node.text.empty() ? node.op : node.text;
    throw ParameterError(fmt::format("{}where {}: column {}, \"{}\": {}", where_, text_,
                                     node.column + 1, token == "-1" ? "-" : token, what));
  }

  double Number(const Node& node) const {
    const Value value = Evaluate(node);
    if (const double* number = std::get_if<double>(&value)) return *number;
    if (const std::string* text = std::get_if<std::string>(&value)) {
      Fail(node, "\"" + *text + "\" is no number");
    }
    Fail(node, "is a condition and no number");
  }

  Value Name(const Node& node) const {
    const std::optional<std::string> text = lookup_(node.text);
    if (!text) {
      Fail(node,
           "this platform has no such parameter; put platform == \"...\" and before, or platform "
           "!= \"...\" or");
    }
    if (const std::optional<double> number = ParseNumber(*text)) return *number;
    return *text;
  }

  Value Compare(const Node& node) const {
    const Value left = Evaluate(*node.left), right = Evaluate(*node.right);
    const bool equality = node.op == "==" || node.op == "!=";
    if (equality && left.index() == right.index()) return (left == right) == (node.op == "==");
    if (equality) {
      // A parameter such as sram.cell has values that are names and values that are numbers.
      if (left.index() != 0 && right.index() != 0) return node.op == "!=";
      Fail(node, "compares a condition with a value");
    }
    const double a = Number(*node.left), b = Number(*node.right);
    if (node.op == "<") return a < b;
    if (node.op == "<=") return a <= b;
    return node.op == ">" ? a > b : a >= b;
  }

  Value Evaluate(const Node& node) const {
    if (node.op == "number") return node.number;
    if (node.op == "text") return node.text;
    if (node.op == "name") return Name(node);
    if (node.op == "not") return !Truth(*node.left);
    if (node.op == "-1") return -Number(*node.left);
    if (node.op == "or") return Truth(*node.left) || Truth(*node.right);
    if (node.op == "and") return Truth(*node.left) && Truth(*node.right);
    if (node.op.find_first_of("=<>") != std::string::npos) return Compare(node);
    const double a = Number(*node.left), b = Number(*node.right);
    if (node.op == "+") return a + b;
    if (node.op == "-") return a - b;
    if (node.op == "*") return a * b;
    if (b == 0) Fail(node, "division by zero");
    return node.op == "/" ? a / b : std::fmod(a, b);
  }

  const std::string& text_;
  const std::string& where_;
  const Expression::Lookup& lookup_;
};

}  // namespace

Expression::Expression(const std::string& text, std::string where,
                       const std::vector<std::string>& names)
    : text_(text), where_(std::move(where)), root_(Parser(text_, where_, names).Parse()) {}
Expression::~Expression() = default;
Expression::Expression(Expression&& other) noexcept = default;
Expression& Expression::operator=(Expression&& other) noexcept = default;

bool Expression::Holds(const Lookup& lookup) const {
  return Evaluator(text_, where_, lookup).Truth(*root_);
}

}  // namespace nibble::study
